/** The page of a destination: status, payload, plan, last runs. */
import { Button } from "@mantine/core";
import { IconArrowsDiff, IconPencil } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { queries } from "@/api/queries";
import type { Destination, DestinationState, Run } from "@/api/types";
import { SentCharts } from "@/resources/charts/SentCharts";
import { UnknownRecords } from "@/resources/runs/UnknownRecords";
import { Code, duration, Empty, Facts, Loaded, NOT_YET, Num, onlyCompares, OutcomeCounts, Page, Panel, RunStatus, Status, Time } from "@/parts";
import { t as comparison } from "@/texts/pages/comparison";
import { t } from "@/texts/pages/destinations";
import { t as states } from "@/texts/states";
import { plainText } from "@/texts/service";
import { Deletions } from "./actions/Deletions";
import { ExactPlan } from "./actions/ExactPlan";
import { firstSends } from "./value";
import { DestinationMenu } from "./actions/Menu";
import classes from "./style.module.css";
import { destinationQueries } from "./queries";
import { SamplePanel } from "./form/SamplePanel";

export function DestinationPage() {
  const { name } = useParams({ from: "/shell/destinations/$name" });
  const query = useQuery({ ...queries.one("destinations", name), refetchInterval: 5_000 });
  return (
    <Loaded query={query} height={480}>
      {(destination) => <Shown destination={destination} />}
    </Loaded>
  );
}

const isComparison = (run: Run | NonNullable<DestinationState["last_run"]>): boolean => "kind" in run && onlyCompares(run);

function Shown({ destination }: { destination: Destination }) {
  const { name, value, state } = destination;
  const isFile = value.path !== undefined;
  const plan = useQuery(destinationQueries.plan(name));
  const runs = useQuery({ ...queries.recentRuns(name), refetchInterval: 5_000 });
  return (
    <Page
      title={name}
      before={<Status of={state.state} />}
      crumbs={[{ label: t.title, to: "/destinations" }]}
      description={plainText(state.reason)}
      actions={
        <>
          <Button component={Link} to={`/destinations/${encodeURIComponent(name)}/configure`} variant="default" leftSection={<IconPencil size={14} />}>
            {t.actions.edit}
          </Button>
          {value.template !== undefined && (
            <Button component={Link} to={`/destinations/${encodeURIComponent(name)}/compare`} variant="default" leftSection={<IconArrowsDiff size={14} />}>
              {comparison.open}
            </Button>
          )}
          <DestinationMenu destination={destination} main />
        </>
      }
    >
      <div className={classes.configure}>
        <div className={classes.form}>
          <Panel title={t.page.plan}>
            <Loaded query={plan} height={120}>
              {(found) => (
                <Facts
                  items={[
                    [t.page.records, <Num key="n" value={found.records} />],
                    [t.page.requests, <Num key="r" value={found.requests} />],
                    ...(found.asking > 0 && !isFile ? ([["", t.activate.asking(found.asking)]] as [string, string][]) : []),
                    [t.page.time, found.eta_s === 0 ? t.page.atOnce : duration(found.eta_s)],
                    [t.page.changes, `${t.activate.creates(found.creates_or_updates)}, ${t.activate.unchanged(found.unchanged)}`],
                    ...firstSends(found).map((text): [string, string] => [t.page.first, text]),
                    ...(found.invalid > 0 ? ([[t.columns.quarantine, t.activate.refused(found.invalid)]] as [string, string][]) : []),
                  ]}
                />
              )}
            </Loaded>
            {value.template !== undefined && <ExactPlan name={name} />}
            {state.held > 0 && (
              <Link to="/quarantine" search={{ destination: name } as never}>
                {t.page.quarantineLink(state.held)}
              </Link>
            )}
          </Panel>
          {plan.data && <Deletions name={name} plan={plan.data} isActive={state.state === "active"} marks={typeof value.on_delete === "object"} />}
          <UnknownRecords destination={name} />
          <Panel title={t.page.runs}>
            <Loaded query={runs} height={120}>
              {(found) =>
                found.items.length === 0 && state.last_run === null ? (
                  <Empty compact title={t.page.noRuns} />
                ) : (
                  <ul style={{ listStyle: "none", margin: 0, padding: 0, display: "grid", gap: 8 }}>
                    {(found.items.length === 0 && state.last_run ? [state.last_run] : found.items).map((run) => (
                      <li key={run.run} className={classes.line}>
                        <RunStatus run={run} />
                        <Link to="/runs/$run" params={{ run: run.run }}>
                          <Time at={run.started_at} none={NOT_YET} />
                        </Link>
                        {isComparison(run) ? (
                          <Link to="/destinations/$name/compare" params={{ name }}>{states.comparison}</Link>
                        ) : (
                          <OutcomeCounts counts={run.records} deleted={run.deleted} />
                        )}
                      </li>
                    ))}
                  </ul>
                )
              }
            </Loaded>
          </Panel>
          {state.last_run !== null && <SentCharts hours={24} destination={name} isFile={isFile} />}
          <Panel title={t.page.settings}>
            <Code value={JSON.stringify(value, null, 2)} language="json" label={t.page.settings} readOnly maxHeight={420} />
          </Panel>
        </div>
        <SamplePanel name={name} value={value} ready />
      </div>
    </Page>
  );
}
