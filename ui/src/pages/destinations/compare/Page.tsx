/** The comparison of a destination with Custify: the numbers, the differences by field and record, and their fix. */
import { Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Comparison, ComparisonCounts, ComparisonReport, Run } from "@/api/types";
import { confirm, Empty, Facts, Loaded, Num, Page, Panel, Time, useChange } from "@/parts";
import { t } from "@/texts/pages/comparison";
import { t as destinations } from "@/texts/pages/destinations";
import { Differences, Keys } from "./Differences";
import { UnderWay } from "./UnderWay";

const LIVE = new Set(["queued", "running"]);

export function ComparisonPage() {
  const { name } = useParams({ from: "/shell/destinations/$name/compare" });
  const key = ["destinations", name, "reconcile"];
  const last = useQuery({ queryKey: key, queryFn: ({ signal }) => api.get<Comparison>(at`/destinations/${name}/reconcile`, { signal }) });
  const recent = useQuery(queries.recentRuns(name));
  const [started, setStarted] = useState<string | null>(null);
  const run = started ?? recent.data?.items.find((each) => each.kind === "reconcile" && LIVE.has(each.status))?.run ?? null;
  const compare = useChange({
    run: (fix: boolean) => api.post<Run>(at`/destinations/${name}/reconcile`, { fix }),
    refresh: [keys.runs],
    then: (made) => setStarted(made.run),
  });
  const fix = async (number: number) => {
    if (await confirm({ title: t.fixTitle(number), consequence: t.fixText(number), verb: t.fixVerb, tone: "plain" })) compare.mutate(true);
  };
  return (
    <Page
      title={t.title}
      crumbs={[
        { label: destinations.title, to: "/destinations" },
        { label: name, to: `/destinations/${encodeURIComponent(name)}` },
      ]}
      description={t.about}
      actions={
        <Button onClick={() => compare.mutate(false)} loading={compare.isPending || run !== null}>
          {t.compare}
        </Button>
      }
    >
      <Loaded query={last} height={320}>
        {(found) => (
          <>
            <Panel title={t.summary} label={t.summary} actions={found.drifted > 0 && run === null && <Button onClick={() => void fix(found.drifted)}>{t.fix(found.drifted)}</Button>}>
              <div aria-live="polite">{run !== null && <UnderWay run={run} refresh={[key, keys.runs]} ended={() => setStarted(null)} />}</div>
              {found.report === null || found.counts === null ? (
                <Empty compact title={t.never}>
                  {t.neverHint}
                </Empty>
              ) : (
                <Summary found={found} report={found.report} counts={found.counts} />
              )}
              <Schedule name={name} hours={found.every_hours} flows={found.flows} refresh={key} />
            </Panel>
            {found.report !== null && found.counts !== null && (
              <>
                <Differences differs={found.report.differs} counts={found.counts.fields} />
                <Keys title={t.missing} hint={t.hints.missing} keys={found.report.missing} count={found.counts.missing} />
                <Keys title={t.pending} hint={t.hints.pending} keys={found.report.pending} count={found.counts.pending} />
                <Keys title={t.extra} hint={t.hints.extra} keys={found.report.extra} count={found.counts.extra} />
              </>
            )}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Summary({ found, report, counts }: { found: Comparison; report: ComparisonReport; counts: ComparisonCounts }) {
  const drift = counts.differs > 0 || counts.missing > 0;
  return (
    <>
      <p style={{ marginTop: 0 }}>{found.drifted > 0 ? t.drifted(found.drifted) : drift ? t.fixed : t.well}</p>
      {report.incomplete && <p className="muted">{t.incomplete}</p>}
      {found.cut && <p className="muted">{t.cut}</p>}
      <Facts
        items={[
          [t.compared, <Time key="at" at={found.at} />],
          [t.same, <Num key="same" value={report.same} />],
          [t.differs, <Num key="differs" value={counts.records} />],
          [t.missing, <Num key="missing" value={counts.missing} />],
          [t.pending, <Num key="pending" value={counts.pending} />],
          [t.extra, <Num key="extra" value={counts.extra} />],
          [t.requests, <Num key="requests" value={report.requests} />],
        ]}
      />
      {found.run !== null && (
        <p className="muted">
          <Link to="/runs/$run" params={{ run: found.run }}>
            {t.run}
          </Link>
        </p>
      )}
    </>
  );
}

function Schedule({ name, hours, flows, refresh }: { name: string; hours: number | null; flows: string[]; refresh: readonly string[] }) {
  const save = useChange({
    run: (every: number | null) => api.put(at`/destinations/${name}/reconcile/schedule`, { every_hours: every }),
    done: () => t.scheduled,
    refresh: [refresh],
  });
  const own = hours !== null && !(String(hours) in t.every) ? { [String(hours)]: t.everyHours(hours) } : {};
  const data = Object.entries({ ...t.every, ...own }).map(([value, label]) => ({ value, label }));
  return <Select label={t.schedule} description={flows.length > 0 ? t.byFlows(flows) : undefined} data={data} value={hours === null ? "" : String(hours)} onChange={(every) => save.mutate(every === null || every === "" ? null : Number(every))} allowDeselect={false} maw={240} />;
}
