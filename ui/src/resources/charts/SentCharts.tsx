/** Charts of sent records by outcome, request times and used rate limits. */
import { useQuery } from "@tanstack/react-query";
import { memo } from "react";
import { queries } from "@/api/queries";
import type { Allowance, Stats } from "@/api/types";
import { Chart, Loading, outcomeColor } from "@/parts";
import { t } from "@/texts/charts";
import { t as states } from "@/texts/states";
import classes from "./Charts.module.css";
import { hasLatency, outcomesOf, plotted, recordsOf, requestsOf } from "./series";

interface Props {
  hours: number;
  /** Limits the charts to this destination. */
  destination?: string;
  /** Whether it writes a file. */
  isFile?: boolean;
}

/** Rendered again only when its data changes, not when the list below it grows. */
export const SentCharts = memo(function SentCharts({ hours, destination, isFile = false }: Props) {
  const query = useQuery({ ...queries.stats(hours, destination), refetchInterval: 10_000 });
  // the list below shows the error; the charts request their data again
  if (query.isError && query.data === undefined) return <p className={classes.none}>{t.failed}</p>;
  return (
    <section className={classes.strip} data-two={destination !== undefined} aria-label={t.title}>
      {query.data === undefined ? <ToCome cells={destination === undefined ? 3 : 2} /> : <Drawn stats={query.data} hours={hours} latency={isFile ? t.writing : t.latency} budgets={destination === undefined} />}
    </section>
  );
});

function ToCome({ cells }: { cells: number }) {
  return Array.from({ length: cells }, (_, i) => (
    <div key={i} className={classes.cell}>
      <Loading rows={4} />
    </div>
  ));
}

const LATENCY = [
  { name: "p50_ms", color: "var(--p-accent)", label: t.p50 },
  { name: "p95_ms", color: "var(--p-fill-waiting)", label: t.p95 },
];

function Drawn({ stats, hours, latency, budgets }: { stats: Stats; hours: number; latency: string; budgets: boolean }) {
  const data = plotted(stats, hours);
  const outcomes = outcomesOf(stats.buckets);
  return (
    <>
      <div className={classes.cell}>
        <header>
          <h2>{t.outcomes}</h2>
          <span className="num">{t.summary(recordsOf(stats.buckets), requestsOf(stats.buckets))}</span>
        </header>
        {outcomes.length === 0 ? (
          <p className={classes.none}>{t.none}</p>
        ) : (
          <Chart kind="bar" stacked data={data} x="time" height={150} label={t.outcomes} format={t.number} series={outcomes.map((outcome) => ({ name: outcome, color: outcomeColor(outcome), label: states.words[outcome] ?? outcome }))} />
        )}
      </div>
      <div className={classes.cell}>
        <header>
          <h2>{latency}</h2>
        </header>
        {hasLatency(stats.buckets) ? (
          <Chart
            kind="line"
            data={data}
            x="time"
            height={150}
            label={latency}
            format={t.ms}
            series={LATENCY}
          />
        ) : (
          <p className={classes.none}>{t.none}</p>
        )}
      </div>
      {budgets && (
        <div className={classes.cell}>
          <header>
            <h2>{t.budget}</h2>
          </header>
          {stats.budget.length === 0 ? <p className={classes.none}>{t.noBudget}</p> : <ul className={classes.budget}>{stats.budget.map((one) => <Budget key={one.credential} allowance={one} />)}</ul>}
        </div>
      )}
    </>
  );
}

/** The used share of each rate limit, during runs. */
export function Allowances({ credential }: { credential: string | undefined }) {
  const query = useQuery({ ...queries.stats(1), refetchInterval: 2_000 });
  const shown = (query.data?.budget ?? []).filter((one) => credential === undefined || one.credential === credential);
  return shown.length === 0 ? null : (
    <ul className={classes.budget} aria-label={t.budget} data-line>
      {shown.map((one) => (
        <Budget key={one.credential} allowance={one} />
      ))}
    </ul>
  );
}

function Budget({ allowance }: { allowance: Allowance }) {
  const { credential, limit, per_s, used_share, blocked_s } = allowance;
  return (
    <li>
      <b>{credential}</b>
      <span className={classes.meter} role="meter" aria-label={t.budgetOf(credential)} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(used_share * 100)}>
        <span data-full={used_share > 0.9 || blocked_s > 0} style={{ width: `${Math.min(100, used_share * 100)}%` }} />
      </span>
      <span className="muted num">{blocked_s > 0 ? t.blocked(blocked_s) : t.used(used_share, limit, per_s)}</span>
    </li>
  );
}
