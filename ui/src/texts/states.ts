/** Names of statuses and outcomes, as in the glossary. */
import { count, number } from "@/parts/values/format";

const words: Record<string, string> = {
  queued: "queued",
  running: "running",
  succeeded: "succeeded",
  partial: "partial",
  failed: "failed",
  cancelled: "cancelled",
  interrupted: "interrupted",
  draft: "draft",
  active: "active",
  paused: "paused",
  delivered: "delivered",
  accepted: "accepted",
  unchanged: "unchanged",
  quarantined: "quarantined",
  unknown: "unknown",
  waiting: "waiting",
  unsent: "unsent",
  deleted: "deleted",
  ok: "ok",
  error: "error",
};
export const t = {
  words,
  nothing: "nothing yet",
  inQuarantine: (n: number, isSent: boolean) => `${isSent ? "delivered, " : ""}${number(n)} in quarantine`,
  deleted: (n: number) => `${number(n)} deleted`,
  comparison: "comparison",
  differ: (n: number) => count(n, "record differs", "records differ"),
  same: "nothing differs",
};
