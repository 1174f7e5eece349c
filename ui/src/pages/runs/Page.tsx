/** The page of a run: live progress, summary, requests and records. */
import { Button, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Fragment, type ReactNode } from "react";
import { address, api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import { Allowances } from "@/resources/charts/SentCharts";
import { OUTCOMES, type Problem, type Run } from "@/api/types";
import { confirm, duration, Facts, Loaded, NOT_YET, Num, number, onlyCompares, OutcomeBar, OutcomeCounts, Page, Panel, Problems, RunStatus, Time, useChange } from "@/parts";
import { t } from "@/texts/pages/runs";
import { t as states } from "@/texts/states";
import { noteText, plainText } from "@/texts/service";
import { Deliveries } from "./deliveries/List";
import { Attempts, waitingText } from "./progress/Attempts";
import { Records } from "./records/List";
import { useProgress } from "@/resources/runs/progress";
import { useSendFirst } from "@/resources/runs/SendFirst";

const LIVE = new Set(["queued", "running"]);

export function RunPage() {
  const { run } = useParams({ from: "/shell/runs/$run" });
  const query = useQuery(queries.run(run));
  return (
    <Loaded query={query} height={480}>
      {(found) => <Shown run={found} />}
    </Loaded>
  );
}

function Shown({ run }: { run: Run }) {
  const live = LIVE.has(run.status);
  const progress = useProgress(run.run, live);
  const search = useSearch({ from: "/shell/runs/$run" });
  const navigate = useNavigate({ from: "/runs/$run" });
  const target = run.flow ?? run.destination ?? "";
  const counts = progress?.records ?? run.records;
  const status = progress?.status ?? run.status;
  const refresh = [keys.runs];
  const cancel = useChange({ run: () => api.post<Run>(at`/runs/${run.run}/cancel`), done: () => t.cancelled, refresh });
  const resume = useChange({ run: () => api.post<Run>(at`/runs/${run.run}/resume`), done: () => t.resumed, refresh });
  const again = useChange({
    run: () => api.post<Run>("/runs", { target }),
    refresh,
    then: (made) => void navigate({ to: "/runs/$run", params: { run: made.run } }),
  });
  const next = useSendFirst(target, run.limit);
  const decided = OUTCOMES.reduce((sum, outcome) => sum + (outcome === "unsent" ? 0 : (counts[outcome] ?? 0)), 0);
  const total = progress?.total ?? null;
  const left = total === null ? null : Math.max(0, total - decided);
  const askCancel = async () => {
    const consequence = t.cancelText(decided, left === null ? "" : t.left(left));
    if (await confirm({ title: t.cancelTitle(run.run), consequence, verb: t.cancel, cancel: t.keepRunning })) cancel.mutate();
  };
  const rate = progress?.rate_per_s ?? 0;
  const errors = run.errors ?? [];
  const compares = onlyCompares({ kind: run.kind, records: counts });
  const unapproved = (run.destinations ?? [run]).filter((part) => part.deletes_hash !== undefined).map((part) => part.destination ?? target);
  const of = useQuery({ ...queries.one("destinations", run.destination ?? ""), enabled: live && run.destination !== undefined });
  return (
    <Page
      title={run.run}
      before={<RunStatus run={{ ...run, status, records: counts }} />}
      crumbs={[{ label: t.title, to: "/runs" }]}
      description={errors.length > 0 || !run.reason || (compares && run.status === "partial") ? undefined : plainText(run.reason)}
      actions={
        <>
          {!compares && (["csv", "parquet"] as const).map((format) => (
            <Button key={format} component="a" variant="default" href={address(at`/runs/${run.run}/records/export`, { format })} download>
              {t.export(format === "csv" ? "CSV" : "Parquet")}
            </Button>
          ))}
          {live && (
            <Button color="red" variant="light" onClick={() => void askCancel()} loading={cancel.isPending}>
              {t.cancel}
            </Button>
          )}
          {run.kind !== "reconcile" && (run.status === "cancelled" || run.status === "interrupted" || run.status === "failed") && (
            <Button variant="default" onClick={() => resume.mutate()} loading={resume.isPending}>
              {t.resume}
            </Button>
          )}
          {!live && run.limit !== undefined && (
            <Button variant="default" onClick={next.ask}>
              {t.next(run.limit)}
            </Button>
          )}
          {!live && run.kind !== "reconcile" && (
            <Button onClick={() => again.mutate()} loading={again.isPending}>
              {t.again}
            </Button>
          )}
        </>
      }
    >
      {next.dialog}
      <Panel title={live ? t.progress : t.facts}>
        <div style={{ display: "grid", gap: 10 }} aria-live="polite">
          {compares ? (
            <p style={{ margin: 0 }}>
              {t.compares} <Link to="/destinations/$name/compare" params={{ name: target }}>{t.comparison(target)}</Link>
            </p>
          ) : (
            <>
              <OutcomeBar counts={counts} total={total} height={10} />
              <OutcomeCounts counts={counts} deleted={run.deleted} always={["delivered"]} />
            </>
          )}
          {unapproved.map((name) => (
            <p key={name} style={{ margin: 0 }}>
              {t.notDeleted} <Link to="/destinations/$name" params={{ name }}>{t.approve(name)}</Link>
            </p>
          ))}
          {live && progress && !compares && (
            <p className="muted num" style={{ margin: 0 }}>
              {t.read(decided, total)} · {t.rate(rate)}
              {progress.left_s !== null && ` · ${t.remaining(duration(progress.left_s))}`}
              {progress.waiting_for === null && progress.phase !== "sending" && ` · ${progress.phase}`}
            </p>
          )}
          {live && progress?.waiting_for && <p style={{ margin: 0 }}>{waitingText(progress.waiting_for)}</p>}
          {live && <Allowances credential={of.data?.value.credential} />}
          <Facts
            items={[
              [t.columns.target, run.destination ? <Link key="d" to="/destinations/$name" params={{ name: run.destination }}>{run.destination}</Link> : target],
              ...(compares ? ([[t.kind, states.comparison]] as [string, string][]) : ([[t.columns.records, <Num key="n" value={counts.read ?? 0} />]] as [string, ReactNode][])),
              ...(run.limit !== undefined ? ([[t.limit, t.limited(run.limit)]] as [string, string][]) : []),
              [t.columns.requests, `${number(progress?.requests ?? run.requests)} (${t.retries.toLowerCase()}: ${number(run.retries)})`],
              [t.columns.started, <Time key="s" at={run.started_at} relative={false} none={NOT_YET} />],
              [t.columns.took, duration(progress?.elapsed_s ?? run.duration_s)],
              [t.columns.by, run.asked_by ?? run.trigger ?? ""],
            ]}
          />
        </div>
      </Panel>
      {errors.length > 0 && (
        <Panel title={t.errors}>
          <Problems problems={errors.map(withFound)} />
        </Panel>
      )}
      {live && progress && <Attempts attempts={progress.attempts} />}
      {run.notes.length > 0 && (
        <Panel title={t.notes}>
          <ul style={{ margin: 0, paddingLeft: 18 }}>
            {run.notes.map((note, i) => (
              <li key={i}>
                {note.field && <code>{note.field}</code>} {noteText(note)}
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {run.destinations && run.destinations.length > 0 && (
        <Panel title={t.parts}>
          {run.destinations.map((part) => (
            <Fragment key={part.run}>
              <p style={{ margin: "0 0 6px", display: "flex", gap: 12 }}>
                <RunStatus run={part} /> <Link to="/runs/$run" params={{ run: part.run }}>{part.destination}</Link> <OutcomeCounts counts={part.records} deleted={part.deleted} />
              </p>
              <Problems problems={onlyIn(part.errors ?? [], errors).map(withFound)} />
            </Fragment>
          ))}
        </Panel>
      )}
      {!compares && (
        <Tabs value={search.tab ?? "deliveries"} onChange={(tab) => void navigate({ search: (old) => ({ ...old, tab: tab === "records" ? ("records" as const) : undefined }), replace: true })}>
          <Tabs.List>
            <Tabs.Tab value="deliveries">{t.deliveries}</Tabs.Tab>
            <Tabs.Tab value="records">{t.records}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="deliveries" pt="sm">
            <Deliveries run={run.run} live={live} />
          </Tabs.Panel>
          <Tabs.Panel value="records" pt="sm">
            <Records run={run.run} outcome={search.outcome} />
          </Tabs.Panel>
        </Tabs>
      )}
    </Page>
  );
}

/** Adds the value that was found to the message. */
function withFound(problem: Problem): Problem {
  const { found, message } = problem;
  return found == null || message.includes(found) ? problem : { ...problem, message: `${message} (${found})` };
}

/** The problems of a part that are not also problems of the whole run. */
function onlyIn(part: Problem[], whole: Problem[]): Problem[] {
  const known = new Set(whole.map((problem) => JSON.stringify(problem)));
  return part.filter((problem) => !known.has(JSON.stringify(problem)));
}
