/** Retried requests of a live run, and what the run waits for. */
import type { Attempt, Waiting } from "@/api/types";
import { type Col, DataTable, duration, Panel, Time } from "@/parts";
import { t } from "@/texts/pages/runs";

/** What the run waits for, as a sentence. */
export function waitingText(waiting: Waiting): string {
  const after = duration(waiting.seconds);
  if (waiting.kind === "rate limit") return t.waitsForLimit(after);
  if (waiting.kind === "batch job") return t.waitsForJob(waiting.job ?? "", after);
  return t.waitsForRetry(waiting.status, waiting.attempt ?? 2, after);
}

const COLUMNS: Col<Attempt>[] = [
  { id: "at", header: t.attemptAt, width: 150, cell: (row) => <Time at={row.at} /> },
  { id: "request", header: t.request, cell: (row) => <span className="mono" title={row.url}>{row.method} {row.url}</span> },
  { id: "attempt", header: t.attempt, width: 90, align: "right", cell: (row) => row.attempt },
  { id: "status", header: t.status, width: 180, cell: (row) => <span title={row.reason ?? ""}>{row.status ?? row.reason}</span> },
  { id: "next", header: t.attemptNext, width: 200, cell: (row) => nextText(row) },
];

function nextText({ status, again_in_s }: Attempt): string {
  if (again_in_s !== null) return t.attemptAgain(duration(again_in_s));
  return status !== null && status >= 200 && status < 300 ? t.attemptDone : t.attemptLast;
}

export function Attempts({ attempts }: { attempts: Attempt[] }) {
  if (attempts.length === 0) return null;
  const newest = [...attempts].reverse();
  return (
    <Panel title={t.attemptsTitle}>
      <DataTable label={t.attemptsTitle} rows={newest} columns={COLUMNS} rowKey={(row) => `${row.at}|${row.url}|${row.attempt}`} height={260} minWidth={820} />
    </Panel>
  );
}
