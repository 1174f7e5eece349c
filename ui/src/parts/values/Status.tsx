/** Statuses and outcomes, each with an icon, a word and a colour. */
import {
  IconAlertTriangle,
  IconArrowBackUp,
  IconCheck,
  IconCircleDashed,
  IconClock,
  IconEqual,
  IconHelpCircle,
  IconLoader2,
  IconPencil,
  IconPlayerPause,
  IconPlayerStop,
  IconPlugX,
  IconX,
  type TablerIcon,
} from "@tabler/icons-react";
import type { Counts, Outcome } from "@/api/types";
import { OUTCOMES } from "@/api/types";
import { plainText } from "@/texts/service";
import { t } from "@/texts/states";
import { number } from "./format";
import classes from "./Status.module.css";

type Tone = "good" | "warn" | "bad" | "info" | "odd" | "idle";

const LOOKS: Record<string, [Tone, TablerIcon]> = {
  // runs
  queued: ["idle", IconClock],
  running: ["info", IconLoader2],
  succeeded: ["good", IconCheck],
  partial: ["warn", IconAlertTriangle],
  failed: ["bad", IconX],
  cancelled: ["idle", IconPlayerStop],
  interrupted: ["warn", IconPlugX],
  // destinations
  draft: ["idle", IconPencil],
  active: ["good", IconCheck],
  paused: ["warn", IconPlayerPause],
  // outcomes
  delivered: ["good", IconCheck],
  accepted: ["info", IconCheck],
  unchanged: ["idle", IconEqual],
  quarantined: ["bad", IconAlertTriangle],
  unknown: ["odd", IconHelpCircle],
  waiting: ["warn", IconClock],
  unsent: ["idle", IconCircleDashed],
  settled: ["good", IconArrowBackUp],
  // everything else
  ok: ["good", IconCheck],
  error: ["bad", IconX],
};

type ShownRun = { status: string; records: Counts; reason?: string | null; kind?: string };

/** Whether the run is a comparison with Custify that has sent nothing. */
export const onlyCompares = ({ kind, records }: Pick<ShownRun, "kind" | "records">): boolean => kind === "reconcile" && (records.read ?? 0) === 0;

/** How many records a comparison found different; the service names the number at the beginning of its reason. */
function differing({ status, reason }: ShownRun): number | null {
  if (status === "succeeded") return 0;
  const found = status === "partial" ? /^([\d,]+) records? /.exec(reason ?? "") : null;
  return found?.[1] === undefined ? null : Number(found[1].replaceAll(",", ""));
}

/**
 * The status of a run for people. A run that is partial only because of records in quarantine names their number. A
 * comparison that has ended says how many records differ.
 */
export function runStatus(run: ShownRun): { of: string; label?: string } {
  const { status, records } = run;
  const different = onlyCompares(run) ? differing(run) : null;
  if (different !== null) return { of: status, label: different === 0 ? t.same : t.differ(different) };
  const count = (name: keyof Counts) => records[name] ?? 0;
  if (status !== "partial" || count("quarantined") === 0 || count("unknown") + count("waiting") + count("unsent") > 0) return { of: status };
  return { of: status, label: t.inQuarantine(count("quarantined"), count("delivered") + count("accepted") > 0) };
}

/** `short`: without numbers, beside which they stand already. */
export function RunStatus({ run, plain, short }: { run: ShownRun; plain?: boolean; short?: boolean }) {
  const { of, label } = runStatus(run);
  return (
    <span title={run.reason ? plainText(run.reason) : undefined}>
      <Status of={of} {...(!short && label !== undefined && { label })} plain={plain} />
    </span>
  );
}

export function Status({ of, label, plain }: { of: string; label?: string; plain?: boolean }) {
  const [tone, Icon] = LOOKS[of] ?? ["idle", IconCircleDashed];
  return (
    <span className={classes.status} data-tone={tone} data-plain={plain}>
      <Icon size={13} stroke={2.2} aria-hidden className={of === "running" ? classes.turning : undefined} />
      {label ?? t.words[of] ?? of}
    </span>
  );
}

/** The colour token of an outcome, for areas. */
export const outcomeColor = (outcome: Outcome): string => `var(--p-fill-${outcome})`;

/** The outcomes of a run as a thin bar; its label has the numbers. */
export function OutcomeBar({ counts, total, height = 6 }: { counts: Counts; total?: number | null; height?: number }) {
  const parts = OUTCOMES.map((outcome) => ({ outcome, n: counts[outcome] ?? 0 })).filter((part) => part.n > 0);
  const all = Math.max(total ?? 0, parts.reduce((sum, part) => sum + part.n, 0));
  const label = parts.map((part) => `${number(part.n)} ${t.words[part.outcome] ?? part.outcome}`).join(", ");
  return (
    <span className={classes.bar} style={{ height }} role="img" aria-label={label === "" ? t.nothing : label} title={label}>
      {parts.map((part) => (
        <span key={part.outcome} style={{ width: `${(100 * part.n) / all}%`, background: outcomeColor(part.outcome) }} />
      ))}
    </span>
  );
}

/** The outcomes of a run as numbers with a coloured dot, and how many objects it deleted. Zeros are left out, except for `always`. */
export function OutcomeCounts({ counts, deleted = 0, always = [] }: { counts: Counts; deleted?: number; always?: Outcome[] }) {
  const shown = OUTCOMES.filter((outcome) => (counts[outcome] ?? 0) > 0 || always.includes(outcome));
  return (
    <span className={classes.counts}>
      {shown.map((outcome) => (
        <span key={outcome} className="num">
          <i style={{ background: outcomeColor(outcome) }} aria-hidden />
          {number(counts[outcome] ?? 0)} <span className="muted">{t.words[outcome] ?? outcome}</span>
        </span>
      ))}
      {deleted > 0 && (
        <span className="num">
          <i style={{ background: "var(--p-bad)" }} aria-hidden />
          {number(deleted)} <span className="muted">{t.words["deleted"]}</span>
        </span>
      )}
      {shown.length === 0 && deleted === 0 && <span className="muted">{t.nothing}</span>}
    </span>
  );
}
