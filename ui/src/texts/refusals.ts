/** The web UI's catalogue of refusals: for each rule what is wrong, and what to do about it in the web UI.
 *
 * The command line has its own catalogue, whose fixes are settings of the project file and commands. A test compares both
 * with the rules in the source.
 */
import { count, moment } from "@/parts/values/format";

type Values = Record<string, unknown>;
interface Refused {
  /** null: the record was not refused. */
  rule?: string | null;
  /** null: written by an earlier release; only `reason` is known. */
  values?: Values | null;
  reason: string | null;
  /** Whether it was in quarantine before this run. */
  held?: boolean;
}
interface Words {
  /** What is wrong. */
  text: string;
  /** What to do; null: the text says it. */
  way: string | null;
}
type Rule = (values: Values) => Words;

const shown = (value: unknown): string => (value === null || value === undefined ? "" : String(value));
const place = (v: Values): string => shown(v["field"] ?? v["column"]);
const quoted = (v: Values): string => (v["value"] === undefined ? "" : ` “${shown(v["value"])}”`);
/** What is wrong with the value. */
const found = (v: Values): string => (v["finding"] === undefined ? shown(v["sentence"]) : `${place(v)}:${quoted(v)} ${shown(v["finding"])}`);
const sentence = (v: Values, words: string): string => `${place(v)}:${quoted(v)} ${words}`;
const accepted = (v: Values): string => (v["accepted"] === undefined ? "" : ` Accepted: ${shown(v["accepted"])}.`);

const EDIT = "Correct it in the source, or edit the record in Quarantine and resend it.";
const LOOK = "Look for the record in Custify. If it is there, press Mark as delivered; if not, resend it.";
const AGAIN = "Resend the record when the cause is fixed.";
const unmapped = (v: Values): string => (v["mapped"] === true ? `choose another column for ${place(v)}` : `add ${shown(v["column"] ?? place(v))} to Exclude attributes`);
/** A rule for one value: the user corrects the value or excludes it. */
const value = (words: (v: Values) => string): Rule => (v) => ({ text: words(v), way: `${EDIT}${accepted(v)} If all records are like this, ${unmapped(v)} in the destination's form.` });
const edited = (words: (v: Values) => string): Rule => (v) => ({ text: words(v), way: `${EDIT}${accepted(v)}` });
const fixed = (way: string, words: (v: Values) => string = found): Rule => (v) => ({ text: words(v), way });

export const RULES: Record<string, Rule> = {
  ambiguous: (v) => ({
    text: `${place(v)}:${quoted(v)} can mean thousands or thousandths.`,
    way: "Choose the Decimal sign in the form of the source, or edit the record in Quarantine and resend it.",
  }),
  api: fixed(`This is the message of the API. ${EDIT}`),
  "attribute name": (v) => ({
    text: `Custify does not accept ${place(v)} as the name of an attribute.`,
    way: `Add ${place(v)} to Exclude attributes in the destination's form, or have the sender use another name.`,
  }),
  boolean: value((v) => sentence(v, "is neither true nor false.")),
  choice: value((v) => sentence(v, "is not one of the choices.")),
  clash: (v) => ({ text: `${place(v)} is set twice: by a column, and inside an object.`, way: "Add one of the two to Exclude attributes in the destination's form." }),
  code: fixed("Correct the Python code in the destination's form, then resend the record."),
  columns: fixed("Have the sender post fewer different names, or ask an administrator to raise the limit."),
  count: (v) => ({ text: found(v), way: "Choose fewer columns under Other columns in the destination's form." }),
  date: value((v) => sentence(v, "is not a date.")),
  depth: value(found),
  digits: value((v) => sentence(v, "has more digits than the source stores exactly.")),
  email: value((v) => sentence(v, "is not an e-mail address.")),
  "flat link": edited((v) => `${shown(v["sentence"])}.`),
  html: fixed("Correct the base URL of the credential: it returns a web page. Then resend the record."),
  id: value((v) => sentence(v, "is not a Custify id.")),
  int32: (v) => ({
    text: sentence(v, "is outside the range that Custify accepts for integers."),
    way: `${EDIT}${accepted(v)}${v["mapped"] === true ? "" : ` To send it as text, choose the type text for ${place(v)} in the dataset's columns.`}`,
  }),
  integer: value((v) => sentence(v, "is not an integer.")),
  job: fixed(`This is the message of the API. ${AGAIN}`),
  json: value(found),
  key: edited(() => "The record has no key: a key column is empty."),
  "key already sent": fixed("Give the record another key and resend it, or choose another mode under Records to send in the destination's form.", () => "The key was already sent with other content, and this destination sends each key once."),
  "key may be sent": fixed("The next run decides this record, after the other record of its key was decided. Open that one in Quarantine and find out whether it arrived.", () => "The key may already be sent with other content, by another record that is in Quarantine or was resent. This destination sends each key once."),
  length: (v) => ({
    text: v["limit"] === undefined ? found(v) : `${place(v)}${quoted(v)} is longer than ${count(Number(v["limit"]), "character")}.`,
    way: v["limit"] === undefined ? "Choose fewer columns under Other columns in the destination's form." : v["mapped"] === true ? `Turn on Cut long text at ${place(v)} in the destination's form, or shorten the value in Quarantine and resend it.` : `Shorten ${shown(v["column"] ?? place(v))} with SQL in the dataset's form, or edit the record in Quarantine and resend it.`,
  }),
  lookup: fixed("Send that object first, with a destination of the same flow, then resend this record."),
  macro: edited(found),
  max_bytes: (v) => ({ text: `This record alone is larger than the max body size${v["value"] === undefined ? "" : ` (${shown(v["value"])})`}.`, way: "Raise Max body size in the destination's form, or exclude columns there." }),
  money: value((v) => sentence(v, "is not an amount.")),
  name: edited(found),
  names: fixed("Have the sender post other names, or ask an administrator to raise the limit."),
  "no answer": fixed(LOOK),
  required: (v) => ({ text: v["field"] === undefined ? found(v) : `${place(v)} is required and missing.`, way: `Fill it in in the source, or in Quarantine and resend the record, or choose a column or a default for ${place(v)} in the destination's form.` }),
  restored: fixed(LOOK, () => "The state was restored from a backup: this record may have been sent after the backup was made."),
  scalar: value((v) => sentence(v, "is a nested value.")),
  "second person": (v) => ({
    text: sentence(v, `${shown(v["finding"])} in Custify: a second person would be created.`),
    way: `Correct the user_id or the e-mail in the source, or in Quarantine and resend the record. To send it all the same, choose Send under When an e-mail belongs to another person in the destination's form.`,
  }),
  sql: fixed("Edit the record in Quarantine and resend it, or correct the SQL in the dataset's form."),
  status: fixed(`This is the message of the API. ${EDIT}`),
  text: value(found),
  type: (v) =>
    v["type"] === undefined
      ? value(found)(v)
      : {
          text: sentence({ ...v, field: v["column"] ?? v["field"] }, `is not of the type ${shown(v["type"])}.`),
          way: `The column has the type ${shown(v["type"])} since ${v["since"] === undefined ? "it was first read" : moment(new Date(shown(v["since"])))}. Press Detect again on the dataset's page, choose the type text there, or edit the record in Quarantine and resend it.`,
        },
  versions: fixed("Resend it.", () => "The settings have changed. The records can no longer be sent in one request."),
  waiting: (v) => ({ text: found(v), way: "The record is sent automatically when that object is delivered. If that object is in quarantine, resend it first." }),
  xml: edited(found),
};

/** The text of a refusal. For a record of an earlier release, which stored no rule, it is the stored reason. */
export function refusal({ rule, values, reason, held = false }: Refused): Words {
  const words = rule && values ? RULES[/^\d{3}$/.test(rule) ? "status" : rule] : undefined;
  if (!words || !values) return { text: reason ?? "", way: null };
  const made = words(values);
  return held ? { ...made, text: `Still in quarantine: ${made.text}` } : made;
}

/** The text without what to do, for a table cell. */
export const refusalText = (row: Refused): string => refusal(row).text;
/** The text and what to do, in one line. */
export function refusalLine(row: Refused): string {
  const { text, way } = refusal(row);
  return way === null ? text : `${text.replace(/[.;]?$/, ".")} ${way}`;
}
