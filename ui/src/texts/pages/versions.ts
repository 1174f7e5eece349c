/** Texts of the versions of the project. */
import { count } from "@/parts/values/format";

export const t = {
  title: "Versions",
  about: "Every change of the settings, newest first. Each version can be restored.",
  none: "No change yet",
  noneHint: "Each source, dataset, credential, destination or flow that you save makes a version.",
  version: "Version",
  at: "Time",
  author: "By",
  changes: "Changes",
  count: (n: number) => count(n, "change"),
  sign: { added: "added", removed: "removed", changed: "changed" } as Record<string, string>,
  back: "Restore",
  backTitle: (n: number) => `Restore version ${n}?`,
  backText: (n: number, paths: string[]) =>
    paths.length === 0
      ? `The settings are the same as in version ${n}; nothing would change.`
      : `${count(paths.length, "setting changes", "settings change")}: ${paths.slice(0, 6).join(", ")}${paths.length > 6 ? ", …" : ""}. Restoring makes a new version with the settings of version ${n}; later versions stay in this list.`,
  views: { then: "This version", before: "What it changed", now: "Changes since" },
  same: "There is no difference.",
  done: (n: number) => `Restored version ${n}`,
  before: "Before",
  after: "After",
  project: "All settings",
};
