/** Texts of flows, sources, datasets and credentials. */
import { count, number } from "@/parts/values/format";

export const t = {
  name: "Name",
  nameHint: "How flows, datasets and the command line call it. Left empty, it gets the suggested one.",
  more: "More",
  asDocument: "Edit as a document",
  asForm: "Back to the form",
  document: "Settings",
  documentHint: "As in the project file, written as JSON.",
  notJson: "This is not JSON",
  fine: "No problem found",
  save: "Save",
  saved: (name: string) => `${name} is saved`,
  create: "Create",
  restored: "What you had begun is here again. Keys and passwords are not kept.",
  stale: "Someone saved it meanwhile: when you save, you see both and choose.",
  startOver: "Start over",
  remove: "Delete",
  removeTitle: (name: string) => `Delete ${name}?`,
  /** Users: what stands on it; null: that is not known. */
  removeText: (users: string[] | null) =>
    users !== null && users.length > 0
      ? `${count(users.length, "resource uses it", "resources use it")}: ${users.slice(0, 5).join(", ")}${users.length > 5 ? ", …" : ""}. It can only go once ${users.length === 1 ? "that" : "those"} no longer ${users.length === 1 ? "does" : "do"}.`
      : `${users === null ? "" : "Nothing uses it. "}Its settings go; nothing that was sent is touched. Versions keep it.`,
  removed: (name: string) => `${name} is deleted`,
  kinds: {
    flows: { title: "Flows", about: "Destinations that run together, on a schedule, companies before people before the rest.", one: "flow", new: "New flow", none: "No flow yet", hint: "A flow runs several destinations in the right order, by hand or on a schedule." },
    sources: { title: "Sources", about: "Where records come from.", one: "source", new: "New source", none: "No source yet", hint: "A file, a database or a webhook that others post to." },
    datasets: { title: "Datasets", about: "Keyed sets of records of a source, perhaps shaped by SQL.", one: "dataset", new: "New dataset", none: "No dataset yet", hint: "A dataset names the records of a source and the key that identifies one across runs." },
    credentials: { title: "Credentials", about: "Accounts, each with its sealed key.", one: "credential", new: "New credential", none: "No credential yet", hint: "An account of Custify, or of another HTTP API." },
  },
  columns: { type: "Type", where: "Where", usedBy: "Used by", source: "Source", key: "Key", shaped: "Shaped", records: "Records", columns: "Columns", schedule: "Schedule", next: "Next", destinations: "Destinations", last: "Last run", base: "Base URL", check: "Last check" },
  send: "Send to destination",
  samples: "Sample records",
  schema: "Columns",
  nullable: "May be null",
  examples: "Examples",
  refresh: "Detect again",
  refreshed: "Columns are detected again",
  run: "Run now",
  asked: (run: string) => `Run ${run} is queued`,
  check: "Check",
  checked: "Checked",
  key: "API key",
  keySealed: "A key is sealed",
  keyNone: "No key is sealed",
  setKey: "Seal this key",
  keyAnew: "API key, anew",
  keySet: "The key is sealed",
  byHand: "by hand",
  never: "not checked yet",
  versions: {
    changes: (n: number) => count(n, "change"),
    sign: { added: "added", removed: "removed", changed: "changed" } as Record<string, string>,
  },
  count: number,
};
