/** Names of statuses and outcomes, as in the glossary. */
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
  ok: "ok",
  error: "error",
};
export const t = { words, nothing: "nothing yet", inQuarantine: (n: string, isSent: boolean) => `${isSent ? "delivered, " : ""}${n} in quarantine` };
