/** Texts of charts. */
import { count, duration, number, percent } from "@/parts/values/format";

export const t = {
  title: "What was sent",
  range: "How far back",
  ranges: { 1: "1 h", 24: "24 h", 168: "7 days", 720: "30 days" } as Record<number, string>,
  show: "Show charts",
  hide: "Hide charts",
  outcomes: "Records by outcome",
  latency: "Time of a request",
  p50: "half of them",
  p95: "95 of 100",
  budget: "Allowance used now",
  budgetOf: (credential: string) => `Allowance of ${credential}`,
  used: (share: number, limit: number, per: number) => `${percent(share)} of ${count(limit, "request")} in ${duration(per)}`,
  blocked: (seconds: number) => `nobody may send for ${duration(seconds)}`,
  noBudget: "No request was counted yet",
  failed: "What was sent lately could not be read. It is tried again every ten seconds.",
  none: "Nothing was sent in this time",
  said: (records: number, requests: number) => `${count(records, "record")}, ${count(requests, "request")}`,
  ms: (value: number) => duration(value / 1000),
  number,
};
