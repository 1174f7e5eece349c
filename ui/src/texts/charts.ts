/** Texts of charts. */
import { count, duration, number, percent } from "@/parts/values/format";

export const t = {
  title: "Sent records and requests",
  range: "Period",
  ranges: { 1: "1 h", 24: "24 h", 168: "7 days", 720: "30 days" } as Record<number, string>,
  show: "Show charts",
  hide: "Hide charts",
  outcomes: "Records by outcome",
  latency: "Request time",
  writing: "Write time",
  p50: "median",
  p95: "95th percentile",
  budget: "Rate limit in use",
  budgetOf: (credential: string) => `Rate limit of ${credential}`,
  used: (share: number, limit: number, per: number) => `${percent(share)} of ${count(limit, "request")} in ${duration(per)}`,
  blocked: (seconds: number) => `no requests for ${duration(seconds)}`,
  noBudget: "No requests yet",
  failed: "The statistics could not be loaded. The page tries again every ten seconds.",
  none: "Nothing was sent in this period",
  summary: (records: number, requests: number) => `${count(records, "record")}, ${count(requests, "request")}`,
  ms: (value: number) => duration(value / 1000),
  number,
};
