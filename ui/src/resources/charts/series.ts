/** The data of the charts, from the statistics. Pure. */
import { type Bucket, OUTCOMES, type Outcome, type Stats } from "@/api/types";

/** The outcomes with at least one record, in their order. */
export const outcomesOf = (buckets: Bucket[]): Outcome[] => OUTCOMES.filter((outcome) => buckets.some((bucket) => bucket[outcome] > 0));
export const recordsOf = (buckets: Bucket[]): number => buckets.reduce((sum, bucket) => sum + OUTCOMES.reduce((own, outcome) => own + bucket[outcome], 0), 0);
export const requestsOf = (buckets: Bucket[]): number => buckets.reduce((sum, bucket) => sum + bucket.requests, 0);
export const hasLatency = (buckets: Bucket[]): boolean => buckets.some((bucket) => bucket.p50_ms !== null);

/** The label of a bucket's start: a time of day, or a date when buckets are days. */
export function axisText(at: string, minutes: number, hours: number, zone?: string): string {
  const when = new Date(at);
  const inZone = zone === undefined ? {} : { timeZone: zone };
  if (minutes >= 1440) return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", ...inZone }).format(when);
  const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", ...inZone }).format(when);
  return hours > 24 ? `${new Intl.DateTimeFormat("en-GB", { weekday: "short", ...inZone }).format(when)} ${time}` : time;
}

export function plotted(stats: Stats, hours: number): Record<string, unknown>[] {
  return stats.buckets.map((bucket) => ({ ...bucket, time: axisText(bucket.at, stats.minutes, hours) }));
}
