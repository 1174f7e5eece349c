/** A request and its reply, when they were stored. */
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { api, at } from "@/api/client";
import type { WholeDelivery } from "@/api/types";
import { Code, duration, Facts, Key, Loaded, Num, Page, Panel, pretty, Status } from "@/parts";
import { t } from "@/texts/pages/runs";
import { plainText } from "@/texts/service";

export function DeliveryPage() {
  const { run, delivery } = useParams({ from: "/shell/runs/$run/deliveries/$delivery" });
  const query = useQuery({ queryKey: ["runs", run, "deliveries", delivery], queryFn: ({ signal }) => api.get<WholeDelivery>(at`/runs/${run}/deliveries/${delivery}`, { signal }) });
  return (
    <Page title={delivery} crumbs={[{ label: t.title, to: "/runs" }, { label: run, to: `/runs/${encodeURIComponent(run)}` }]}>
      <Loaded query={query} height={360}>
        {(found) => (
          <>
            <Panel title={t.facts}>
              <Facts
                items={[
                  [t.outcome, <Status key="o" of={found.outcome} />],
                  [t.request, <span key="r" className="mono">{found.method} {found.url}</span>],
                  [t.status, found.status ?? "–"],
                  [t.attempts, <Num key="a" value={found.attempts} />],
                  [t.latency, found.duration_ms === null ? "–" : duration(found.duration_ms / 1000)],
                  [t.reason, plainText(found.reason ?? "")],
                  [t.records, found.records.slice(0, 20).map((key, i) => <span key={i}><Key value={key} /> </span>)],
                ]}
              />
            </Panel>
            <Panel title={t.request}>
              {found.request && <Headers of={found.request.headers} label={t.requestHeaders} />}
              {found.request ? <Code value={pretty(found.request.body)} language="json" label={t.request} readOnly maxHeight={420} /> : <p className="muted">{t.notStored}</p>}
            </Panel>
            <Panel title={t.response}>
              {found.response?.headers && <Headers of={found.response.headers} label={t.replyHeaders} />}
              {found.response ? <Code value={pretty(found.response.body ?? found.response.error ?? "")} language="json" label={t.response} readOnly maxHeight={420} /> : <p className="muted">{t.notStored}</p>}
            </Panel>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Headers({ of, label }: { of: Record<string, string>; label: string }) {
  const items = Object.entries(of);
  return items.length === 0 ? null : (
    <div role="group" aria-label={label} style={{ marginBottom: 10 }}>
      <Facts items={items.map(([name, text]) => [name, <span key={name} className="mono">{text}</span>])} />
    </div>
  );
}
