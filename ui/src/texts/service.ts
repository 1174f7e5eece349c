/**
 * Rewrites texts of the service for the web UI. The service writes them for the command line too: paths of the project file
 * become labels of the forms, commands become the buttons that do the same.
 */
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

const NAME = "[^\\s`]+";
/** Commands and settings in texts of the service, with their names in the web UI. */
const WORDS: [RegExp, string][] = [
  [new RegExp(`\`?penstock schema (${NAME}) --refresh\`?`, "g"), "Detect again on the page of the dataset $1"],
  [new RegExp(`\`?penstock schema (${NAME})\`?`, "g"), "the page of the dataset $1"],
  [new RegExp(`\`?penstock check (${NAME}?)(?: --refresh)?(?:\`|(?=[\\s,;.]|$))`, "g"), "Check on the page of the credential $1"],
  [new RegExp(`\`?penstock credential set (${NAME})\`?`, "g"), "Store key on the page of the credential $1"],
  [new RegExp(`\`?penstock run (${NAME}) --from start\`?`, "g"), "Read again in the menu of $1"],
  [new RegExp(`\`?penstock plan (${NAME})\`?`, "g"), "the page of $1"],
  [new RegExp(`\`?penstock (?:activate|pause|run) (${NAME})\`?`, "g"), "the menu of $1"],
  [/`?penstock quarantine (?:list|resend|settle|discard)`?/g, "the page Quarantine"],
  [/`?penstock runs(?: list)?`?/g, "the page Runs"],
  [/`?penstock hooks new-key [^\s`]+`?(?: or POST [^\s]+)?/g, "Create key on the page of the source"],
  [/`?penstock people list`?/g, "the page Settings"],
  [/`?penstock token list`?/g, "the page Settings"],
  [/`new_columns: send`/g, "New columns: Send"],
  [/excluded by the project file/g, "excluded in this destination"],
  [/: `active: false` in the project file/g, ""],
  [/write `active: true`(?! in)/g, "press Activate"],
  [/`active: (?:true|false)`/g, "Activate"],
];
/** What sentences of the service say about the project file. */
const ABOUT_FILE: [RegExp, string][] = [
  [/: `active: false` in the project file/g, ""],
  [new RegExp(`the project has \`active: false\` for (${NAME}), which overrides this activation`, "g"), "Active is off in the settings of $1"],
  [/the project file already says/g, "the settings already say"],
  [/the (key|secret) is written in the file/g, "the $1 is written in the settings"],
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

/** A hint of the service for the web UI; empty when it is about the command line or the project file. */
export function hintText(hint: string | undefined): string {
  const made = withButtons(hint ?? "");
  return FOREIGN.test(made) || YAML.test(made) ? "" : withBareLabels(withLabels(made)).replaceAll("`", "");
}

/** What was changed before sending: "exclude: excluded in this destination". */
export function noteText({ action, reason, count }: { action: string; reason: string; count?: number | null }): string {
  const words = plainText(reason);
  const many = count === null || count === undefined ? "" : ` (${count.toLocaleString("en")})`;
  return words.startsWith("excluded") ? `${words}${many}` : `${action}${many}: ${words}`;
}
