/** The page of a flow: status, plan of the next run, destinations, schedule, last runs. */
import { Button } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay, IconPlayerTrackNext, IconRepeat } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { queries } from "@/api/queries";
import type { Flow, FlowValue, Resource } from "@/api/types";
import { duration, Empty, Facts, Loaded, NOT_YET, Num, number, OutcomeCounts, Panel, RunStatus, Status, Time } from "@/parts";
import form from "@/resources/style.module.css";
import type { Value } from "@/resources/Editor";
import { ResourcePage } from "@/resources/Page";
import { t as destinations } from "@/texts/pages/destinations";
import { t } from "@/texts/pages/flows";
import { plainText } from "@/texts/service";
import { useReadAgain } from "@/resources/runs/ReadAgain";
import { useFlowActions } from "./actions/useFlowActions";
import { FlowForm } from "./Form";
import { flowQueries } from "./queries";

export function FlowPage() {
  const { name } = useParams({ from: "/shell/flows/$name" });
  const { run, pause, resume } = useFlowActions(name);
  const again = useReadAgain(name);
  const live = useQuery({ ...queries.one("flows", name), refetchInterval: 5_000 });
  const paused = live.data?.state.paused === true;
  return (
    <ResourcePage
      kind="flows"
      name={name}
      before={() => (live.data ? <FlowStatus flow={live.data} /> : null)}
      description={(found) => <Due flow={(live.data ?? found) as Flow} />}
      actions={(found: Resource, touched) => (
        <>
          {typeof found.value["schedule"] === "string" &&
            (paused ? (
              <Button variant="default" leftSection={<IconPlayerTrackNext size={14} />} loading={resume.isPending} onClick={() => resume.mutate()}>
                {t.resume}
              </Button>
            ) : (
              <Button variant="default" leftSection={<IconPlayerPause size={14} />} loading={pause.isPending} onClick={() => pause.mutate()}>
                {t.pause}
              </Button>
            ))}
          <Button variant="default" leftSection={<IconRepeat size={14} />} onClick={again.ask}>
            {t.again}
          </Button>
          <Button variant={touched ? "default" : "filled"} leftSection={<IconPlayerPlay size={14} />} onClick={() => run.mutate()} loading={run.isPending}>
            {t.run}
          </Button>
          {again.dialog}
        </>
      )}
      form={({ value, onChange }) => (
        <div className={form.split}>
          <div className={form.main}>
            <FlowForm value={value as unknown as FlowValue} onChange={(next) => onChange(next as unknown as Value)} />
          </div>
          <div className={form.side}>
            <PlanPanel name={name} />
            <LastRuns name={name} />
          </div>
        </div>
      )}
    />
  );
}

function FlowStatus({ flow }: { flow: Flow }) {
  if (flow.state.paused) return <Status of="paused" />;
  return flow.state.last_run ? <RunStatus run={flow.state.last_run} /> : null;
}
function Due({ flow }: { flow: Flow }) {
  const { schedule, timezone } = flow.value;
  if (schedule === undefined) return <>{t.form.handHint}</>;
  return (
    <>
      <code>{schedule}</code> {timezone && t.form.inZone(timezone)}
      {flow.state.next_at && (
        <>
          {" · "}
          {t.due} <Time at={flow.state.next_at} />
        </>
      )}
    </>
  );
}

function PlanPanel({ name }: { name: string }) {
  const plan = useQuery(flowQueries.plan(name));
  return (
    <Panel title={t.plan.title}>
      <Loaded query={plan} height={140}>
        {(found) => (
          <div className={form.form}>
            <Facts
              items={[
                [destinations.page.records, <Num key="n" value={found.records} />],
                [destinations.page.requests, <Num key="r" value={found.requests} />],
                ...(found.asking > 0 ? ([["", destinations.activate.asking(found.asking)]] as [string, string][]) : []),
                [destinations.page.time, found.eta_s === 0 ? destinations.page.atOnce : duration(found.eta_s)],
                ...(found.invalid > 0 ? ([[destinations.columns.quarantine, destinations.activate.refused(found.invalid)]] as [string, string][]) : []),
              ]}
            />
            {(found.destinations ?? []).length > 0 && (
              <ul style={{ listStyle: "none", margin: 0, padding: 0, display: "grid", gap: 6, fontSize: 13 }}>
                {found.destinations?.map((part) => (
                  <li key={part.destination} style={{ display: "flex", gap: 12, justifyContent: "space-between" }}>
                    <Link to="/destinations/$name" params={{ name: part.destination ?? "" }} className="truncate">
                      {part.destination}
                    </Link>
                    <span className="muted num">{t.plan.sends(part.creates_or_updates, part.requests)}</span>
                  </li>
                ))}
              </ul>
            )}
            {Object.entries(found.skipped ?? {}).map(([destination, reason]) => (
              <p key={destination} className={form.hint}>
                <code>{destination}</code> {t.plan.skipped}: {plainText(reason)}
              </p>
            ))}
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function LastRuns({ name }: { name: string }) {
  const runs = useQuery({ ...flowQueries.runs(name), refetchInterval: 4_000 });
  return (
    <Panel title={t.runs.title}>
      <Loaded query={runs} height={120}>
        {(found) =>
          found.items.length === 0 ? (
            <Empty compact title={t.runs.none} />
          ) : (
            <ul style={{ listStyle: "none", margin: 0, padding: 0, display: "grid", gap: 8, fontSize: 13 }}>
              {found.items.map((run) => (
                <li key={run.run} style={{ display: "flex", gap: 12, alignItems: "center", flexWrap: "wrap" }}>
                  <RunStatus run={run} />
                  <Link to="/runs/$run" params={{ run: run.run }} aria-label={`${run.run}, ${number(run.records.read ?? 0)}`}>
                    <Time at={run.started_at} none={NOT_YET} />
                  </Link>
                  <OutcomeCounts counts={run.records} />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Panel>
  );
}
