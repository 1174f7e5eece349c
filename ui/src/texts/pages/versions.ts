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
  changed: (resource: string, change: string) => `${resource}: ${change}`,
  count: (n: number) => count(n, "change"),
  back: "Restore",
  backTitle: (n: number) => `Restore version ${n}?`,
  backText: (n: number, paths: string[]) =>
    paths.length === 0
      ? `The settings are the same as in version ${n}; nothing would change.`
      : `${count(paths.length, "setting changes", "settings change")}: ${paths.slice(0, 6).join(", ")}${paths.length > 6 ? ", …" : ""}. Restoring makes a new version with the settings of version ${n}; later versions stay in this list.`,
  view: "Show",
  views: { changes: "What it changed", since: "Changes since", settings: "All settings" },
  same: "There is no difference.",
  done: (n: number) => `Restored version ${n}`,
  before: "Before",
  after: "After",
  setting: "Setting",
  value: "Value",
  notSet: "not set",
  empty: "empty",
  difference: "Difference",
  noSettings: "This version has no settings.",
};
