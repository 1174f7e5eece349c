/** One request: exactly what went out and what came back, where it was kept. */
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { api, at } from "@/api/client";
import type { WholeDelivery } from "@/api/types";
import { Code, duration, Facts, Key, Loaded, Num, Page, Panel, pretty, Status } from "@/parts";
import { t } from "@/texts/watch";

export function DeliveryPage() {
  const { run, delivery } = useParams({ from: "/shell/runs/$run/deliveries/$delivery" });
  const query = useQuery({ queryKey: ["runs", run, "deliveries", delivery], queryFn: ({ signal }) => api.get<WholeDelivery>(at`/runs/${run}/deliveries/${delivery}`, { signal }) });
  return (
    <Page title={delivery} crumbs={[{ label: t.runs.title, to: "/runs" }, { label: run, to: `/runs/${encodeURIComponent(run)}` }]}>
      <Loaded query={query} height={360}>
        {(found) => (
          <>
            <Panel title={t.runs.facts}>
              <Facts
                items={[
                  [t.runs.outcome, <Status key="o" of={found.outcome} />],
                  [t.runs.request, <span key="r" className="mono">{found.method} {found.url}</span>],
                  [t.runs.status, found.status ?? "–"],
                  [t.runs.attempts, <Num key="a" value={found.attempts} />],
                  [t.runs.latency, found.duration_ms === null ? "–" : duration(found.duration_ms / 1000)],
                  [t.runs.reason, found.reason],
                  [t.runs.records, found.records.slice(0, 20).map((key, i) => <span key={i}><Key value={key} /> </span>)],
                ]}
              />
            </Panel>
            <Panel title={t.runs.request}>
              {found.request && <Headers of={found.request.headers} label={t.runs.requestHeaders} />}
              {found.request ? <Code value={pretty(found.request.body)} language="json" label={t.runs.request} readOnly maxHeight={420} /> : <p className="muted">{t.runs.notKept}</p>}
            </Panel>
            <Panel title={t.runs.response}>
              {found.response?.headers && <Headers of={found.response.headers} label={t.runs.replyHeaders} />}
              {found.response ? <Code value={pretty(found.response.body ?? found.response.error ?? "")} language="json" label={t.runs.response} readOnly maxHeight={420} /> : <p className="muted">{t.runs.notKept}</p>}
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
