/** The attempts of a live run that did not succeed at once, and what the run waits for. */
import type { Attempt, Waiting } from "@/api/types";
import { type Col, DataTable, duration, Panel, Time } from "@/parts";
import { t } from "@/texts/watch";

/** What the run waits for, as a sentence. */
export function waitingText(waiting: Waiting): string {
  const after = duration(waiting.seconds);
  if (waiting.kind === "rate limit") return t.runs.waitsForLimit(after);
  if (waiting.kind === "batch job") return t.runs.waitsForJob(waiting.job ?? "", after);
  return t.runs.waitsForRetry(waiting.status, waiting.attempt ?? 2, after);
}

const COLUMNS: Col<Attempt>[] = [
  { id: "at", header: t.runs.attemptAt, width: 150, cell: (row) => <Time at={row.at} /> },
  { id: "request", header: t.runs.request, cell: (row) => <span className="mono" title={row.url}>{row.method} {row.url}</span> },
  { id: "attempt", header: t.runs.attempt, width: 90, align: "right", cell: (row) => row.attempt },
  { id: "status", header: t.runs.status, width: 180, cell: (row) => <span title={row.reason ?? ""}>{row.status ?? row.reason}</span> },
  { id: "next", header: t.runs.attemptNext, width: 200, cell: (row) => nextText(row) },
];

function nextText({ status, again_in_s }: Attempt): string {
  if (again_in_s !== null) return t.runs.attemptAgain(duration(again_in_s));
  return status !== null && status >= 200 && status < 300 ? t.runs.attemptDone : t.runs.attemptLast;
}

export function Attempts({ attempts }: { attempts: Attempt[] }) {
  if (attempts.length === 0) return null;
  const newest = [...attempts].reverse();
  return (
    <Panel title={t.runs.attemptsTitle}>
      <DataTable label={t.runs.attemptsTitle} rows={newest} columns={COLUMNS} rowKey={(row) => `${row.at}|${row.url}|${row.attempt}`} height={260} minWidth={820} />
    </Panel>
  );
}
