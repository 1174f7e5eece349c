/** Texts of credentials: adding one, checking one. */
import { number } from "@/parts/values/format";
import { labels } from "../labels";

const own = labels.credentials;
const costSources = { settings: "as set", replies: "as replies showed in runs", default: "until replies in a run show otherwise" };

export const t = {
  title: "Add credential",
  name: "Name",
  connector: own.connector,
  connectors: { custify: "Custify", http: "HTTP API", file: "Files" } as Record<string, string>,
  key: own.api_key,
  keyHint: "Stored encrypted. Nobody can read it again.",
  keyAnewHint: "The stored key is not sent to a new host. Type the key again.",
  keyKept: "A key is stored. A new key replaces it.",
  base: own.base_url,
  baseHint: "With auto, the check finds which Custify host answers.",
  folder: own.path,
  folderHint: "Where files are written, on the machine of the service. It is made when it is missing.",
  more: "Rate limit and dialect",
  requests: "Requests",
  per: "per",
  timeout: own.timeout,
  dialect: own.dialect,
  dialects: { auto: "auto (from the base URL)", native: "native (the published API)", flat: "flat (fields at the top level)" } as Record<string, string>,
  restored: "Your unsaved changes were restored. Type the key again, since keys are not stored in the browser.",
  startOver: "Start over",
  check: "Check",
  saveAnyway: "Add without check",
  save: "Check and add",
  answered: (base: string) => `${base} answers`,
  dialectName: (dialect: string) => `dialect ${dialect}`,
  left: (remaining: number, limit: number) => `${number(remaining)} of ${number(limit)} requests left`,
  batchCost: (cost: "1" | "jobs", source: "settings" | "replies" | "default") =>
    `a batch counts as ${cost === "1" ? "1 request" : "1 request for each of its jobs"}, ${costSources[source]}`,
  checked: "Checked",
  allowance: own.rate_limit,
  tried: "Checked hosts",
  last: "Last check",
  never: "Not checked yet",
  neverHint: "A check sends one request to see whether the key works. It changes nothing in the account.",
  usedBy: "Used by",
  settings: "Account",
};
