/** Texts of quarantine: records by cause, one record. */
import { count, number } from "@/parts/values/format";
import { labels } from "../labels";

export const t = {
  title: "Quarantine",
  about: "Records that were refused, or whose reply was lost. Fix, resend or discard.",
  none: "No record in quarantine",
  noneHint: "Every record was delivered or skipped.",
  groups: "By cause",
  entries: "Records in quarantine",
  count: "Records",
  cause: "Cause",
  destination: "Destination",
  since: "Since",
  latest: "Latest",
  resendAll: (n: number) => `Resend ${count(n, "record")}`,
  resendTitle: (n: number) => `Resend ${count(n, "record")}?`,
  resendText: (unknown: number) =>
    unknown === 0
      ? "Each record is sent once with the current settings. Records that still cannot be sent stay in quarantine."
      : `Each record is sent once with the current settings. The reply to ${number(unknown)} of them was lost. If Custify has them already, they arrive twice.`,
  discardAll: (n: number) => `Discard ${count(n, "record")}`,
  discardTitle: (n: number) => `Discard ${count(n, "record")}?`,
  discardText: (n: number) => `${n === 1 ? "This version of the record is" : "These versions of the records are"} never sent. A later change of ${n === 1 ? "the record" : "a record"} is sent.`,
  discarded: (n: number) => `${count(n, "record")} discarded`,
  discarding: (done: number, total: number) => `Discarding: ${number(done)} of ${count(total, "record")} done`,
  resent: "Resending: a new run is queued",
  record: "Record",
  recordHint: "Edit the record here. The source does not change.",
  save: "Save the edit",
  saved: "Saved, not sent yet",
  notJson: "This is not a JSON object",
  bytes: "Payload to resend",
  resend: "Resend",
  saveAndResend: "Save and resend",
  discard: "Discard",
  settle: "Mark as delivered",
  settled: "Marked as delivered",
  settleHint: "The reply was lost. The page of its destination can find out what became of it. If that decides nothing, look for the record in Custify. If it is there, mark it as delivered; if not, resend it.",
  readBack: "Read back",
  notReadBack: "not yet",
  /** The panel that finds out what became of the unknown records of a destination. */
  unknown: {
    title: "Unknown records",
    about: (destination: string, n: number) =>
      n === 1
        ? `1 record of ${destination} was sent, and its reply was lost. It may have arrived.`
        : `${number(n)} records of ${destination} were sent, and their replies were lost. They may have arrived.`,
    ask: "Find out in Custify",
    askApi: "Find out from the API",
    whyNot: {
      inactive: "Penstock can look for them once the destination is active.",
      flat: "This account uses the flat API, which cannot be read. Look for the records in Custify: mark those that are there as delivered, and resend the others. An account with the native API can be read.",
      "no-recipe": `The request has no “${labels.destinations["request.settle"]}”, which says how to find a record again. Add it, or look for the records yourself: mark those that are there as delivered, and resend the others.`,
    },
    starting: "Waiting for the run to start",
    reading: (done: number, total: number) => `${number(done)} of ${count(total, "record")} looked up`,
    progress: "Progress of the look-up",
    found: ({ delivered, sent_again, undecided }: { delivered: number; sent_again: number; undecided: number }, refused: number, findings: string[]) => {
      const parts = [
        ...(delivered > 0 ? [`${number(delivered)} had arrived`] : []),
        ...(sent_again > 0 ? [`${number(sent_again)} ${sent_again === 1 ? "was" : "were"} sent again`] : []),
        ...(refused > 0 ? [`${number(refused)} ${refused === 1 ? "was" : "were"} sent again and refused`] : []),
        ...(undecided > 0 ? [`${number(undecided)} could not be decided${findings.length > 0 ? `: ${findings.join("; ")}` : ""}`] : []),
      ];
      return parts.join(", ");
    },
    nothing: "No record was unknown any more.",
    run: "Requests of this run",
  },
  mapping: "Change the mapping",
  why: "Reason",
  value: "Value",
  way: "What to do:",
  rule: "Rule",
  last: "Last request and reply",
};
