/**
 * Rewrites texts of the service for the web UI. The service writes them for the command line too: paths of the project file
 * become labels of the forms, commands become the buttons that do the same.
 */
import type { Problem } from "@/api/types";
import { labels, settingLabel } from "./labels";

const KINDS: Record<string, string> = { credentials: "credential", sources: "source", datasets: "dataset", destinations: "destination", flows: "flow" };

/** "source crm" */
const resourceText = (kind: string, name: string): string => `${KINDS[kind] ?? kind} ${name}`;
/** "Source crm" */
export function resourceTitle(kind: string, name: string): string {
  const text = resourceText(kind, name);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `destinations.people.batch.size` → "destination people › Records per request", with the labels of the forms. */
export function placeText(path: string): string {
  const [kind = "", name, ...rest] = path.split(".");
  if (KINDS[kind] === undefined || name === undefined) return path.split(".").join(" › ");
  return rest.length === 0 ? resourceText(kind, name) : `${resourceText(kind, name)} › ${settingLabel(kind, rest)}`;
}

/** The name in a path of this kind: "credentials.acme.api_key" → "acme". */
const nameIn = (path: string, kind: string): string | undefined => (path.startsWith(`${kind}.`) ? path.split(".")[1] : undefined);
/** `words` with the name in a path of this kind; undefined for another path. */
const hintFor = (kind: string, words: (name: string) => string) => ({ path }: Problem): string | undefined => {
  const name = nameIn(path, kind);
  return name === undefined ? undefined : words(name);
};

/** Hints of errors whose hint from the service names commands, by the error's code. Undefined: the service's hint is shown. */
const HINTS: Record<string, (problem: Problem) => string | undefined> = {
  active: hintFor("destinations", (name) => `pause ${name} first`),
  "credential-refused": hintFor("credentials", (name) => `give it a key that may do this, then press Check on the page of the credential ${name}`),
  "host-unreachable": hintFor("credentials", (name) => `check the address and whether it answers: press Check on the page of the credential ${name}`),
  "file-extension": () => "", // in its message
  misfit: hintFor("datasets", (name) => `press Detect again on the page of the dataset ${name}, or choose another type there`),
  "missing-key": (problem) => (problem.path.endsWith(".api_key") ? hintFor("credentials", (name) => `store a key on the page of the credential ${name}`)(problem) : undefined),
  "not-active": hintFor("destinations", (name) => `look at the page of ${name}, then press Activate`),
  "other-sealing-key": hintFor("credentials", (name) => `store the key again on the page of the credential ${name}`),
  "unknown-id": () => "see the page Quarantine",
  "unknown-person": () => "see the page Settings",
  "unknown-token": () => "see the page Settings",
  "vanished-column": hintFor("datasets", (name) => `add it again, or use another column, then press Detect again on the page of the dataset ${name}`),
  which: () => "select the records on the page Quarantine",
};
/** Messages of errors whose message from the service speaks of the project file, by the error's code. */
const MESSAGES: Record<string, (problem: Problem) => string | undefined> = {
  "file-extension": ({ found }) => (found == null ? undefined : `“${found}” has no known extension. End it with .ndjson, .csv or .parquet.`),
  "key-in-file": hintFor("credentials", () => "the settings already say where the key comes from"),
  "literal-secret": ({ path }) => (path.endsWith(".api_key") ? `the key is written in the settings; this is only allowed with a loopback ${settingLabel("credentials", ["base_url"])}` : "the secret is written in the settings"),
};

const NAME = "[^\\s`]+";
/**
 * Commands and settings in texts, with their names in the web UI. Only for texts without a code: reasons of runs, paused
 * webhooks and credentials, notes, and stored texts. The hint of a problem can be a part of such a reason.
 */
const WORDS: [RegExp, string][] = [
  [new RegExp(`\`?penstock schema (${NAME}) --refresh\`?`, "g"), "Detect again on the page of the dataset $1"],
  [new RegExp(`\`?penstock schema (${NAME})\`?`, "g"), "the page of the dataset $1"],
  [new RegExp(`\`?penstock check (${NAME}?)(?:\`|(?=[\\s,;.]|$))`, "g"), "Check on the page of the credential $1"],
  [new RegExp(`\`?penstock credential set (${NAME})\`?`, "g"), "Store key on the page of the credential $1"],
  [new RegExp(`\`?penstock run (${NAME}) --from start\`?`, "g"), "Read again in the menu of $1"],
  [/`--allow-deletes [0-9a-f]+` deletes exactly these/g, "approve them on the page of the destination"],
  [/`new_columns: send`/g, "New columns: Send"],
];
/** What such texts say about the project file. */
const ABOUT_FILE: [RegExp, string][] = [
  [/: `active: false` in the project file/g, ""],
  [/the project file/g, "the settings"],
];
/** Terms of the command line and the project file. Hints with one of them are not shown. */
const FOREIGN = /\bpenstock [a-z]+|project file|\$\{|\byaml\b|\/api\/v1|--[a-z]|\bwrite `/i;
/** Lists, mappings and placeholders as a project file has them: `[x]`, `{value: …}`, `FIELD: COLUMN`. */
const YAML = /: ?\[|\{[a-z_]+: |\b[A-Z]+: [A-Z]+\b/;

/** Labels by the last part of a setting's path; where kinds share one, the label of the first kind. */
const LABELS = new Map(
  [labels.destinations, labels.sources, labels.credentials, labels.datasets, labels.flows]
    .flatMap((known) => Object.entries(known))
    .reverse()
    .map(([path, label]) => [path.split(".").at(-1) ?? path, label]),
);

const replaced = (text: string, words: [RegExp, string][]): string => words.reduce((made, [pattern, word]) => made.replace(pattern, word), text);
const withButtons = (text: string): string => replaced(text, WORDS);
/** "`mode: all`" → "Records to send: all" */
const withLabels = (text: string): string =>
  text.replace(/`([a-z_]+)(?:: ([^`]+))?`/g, (whole, key: string, value: string | undefined) => {
    const label = LABELS.get(key);
    return label === undefined ? whole : value === undefined ? label : `${label}: ${value}`;
  });

/** "mode: all" without backticks, as hints have it → "Records to send: all" */
const withBareLabels = (text: string): string => text.replace(/(?<![\w`])([a-z_]+)(?=: \w)/g, (whole, key: string) => LABELS.get(key) ?? whole);

/** A sentence of the service, with the buttons, pages and labels of the web UI in place of commands and settings. */
export function plainText(text: string): string {
  return withLabels(withButtons(replaced(text, ABOUT_FILE)));
}

/** What is wrong, in the words of the web UI. */
export const problemText = (problem: Problem): string => MESSAGES[problem.code]?.(problem) ?? plainText(problem.message);

/** What to do, in the words of the web UI; empty when the service's hint is about the command line or the project file. */
export function problemHint(problem: Problem): string {
  const made = HINTS[problem.code]?.(problem) ?? withButtons(problem.hint ?? "");
  return FOREIGN.test(made) || YAML.test(made) ? "" : withBareLabels(withLabels(made)).replaceAll("`", "");
}

/** What was changed before sending: "exclude: excluded in this destination". */
export function noteText({ action, reason, count }: { action: string; reason: string; count?: number | null }): string {
  const words = plainText(reason);
  const many = count === null || count === undefined ? "" : ` (${count.toLocaleString("en")})`;
  return words.startsWith("excluded") ? `${words}${many}` : `${action}${many}: ${words}`;
}
