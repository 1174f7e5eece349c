/** A source's settings as the form edits them: pure functions that return the next value. */
import type { CustifySourceValue, FileFormat, SourceValue } from "@/api/types";

export type Way = "upload" | "file" | "sql" | "webhook" | "custify";
export const WAYS: Way[] = ["upload", "file", "sql", "webhook", "custify"];
export const isWay = (word: unknown): word is Way => WAYS.includes(word as Way);

/** The settings of a new source. */
export function initialValue(way: Way): SourceValue {
  if (way === "sql") return { type: "sql", url: "", table: "" };
  if (way === "custify") return { type: "custify", credential: "", object: "companies" } as SourceValue;
  return way === "webhook" ? { type: "webhook" } : { type: "file", path: "" };
}

/** Whether the settings are enough to read the source or to save it. */
export function isComplete(value: SourceValue): boolean {
  if (value.type === "file") return (value.path ?? "") !== "";
  if (value.type === "sql") return (value.url ?? "") !== "" && ((value.table ?? "") !== "" || (value.query ?? "") !== "");
  if (value.type === "custify") return (value as { credential?: string }).credential !== "";
  return true;
}

/** Whether the settings can be checked. The check of a database lists its tables, so it needs only a URL. */
export const canCheck = (value: SourceValue): boolean => isComplete(value) || (value.type === "sql" && (value.url ?? "") !== "");
/** The settings to check: without an empty table or query. */
export function checkedValue(value: SourceValue): SourceValue {
  return Object.fromEntries(Object.entries(value).filter(([key, setting]) => !(setting === "" && (key === "table" || key === "query")))) as SourceValue;
}

/** The value with one setting. An empty text removes the setting, unless the type of source requires it. */
export function withKey(value: SourceValue, key: keyof SourceValue, setting: unknown): SourceValue {
  const { [key]: _, ...others } = value;
  const required = key === "path" || key === "url" || key === "table" || key === "query";
  return setting === undefined || (setting === "" && !required) ? (others as SourceValue) : ({ ...others, [key]: setting } as SourceValue);
}

/** The format that a file is probably read as: the one given, or the first with its ending. Its options are shown in the form. */
export function formatOf(value: SourceValue, formats: FileFormat[]): FileFormat | undefined {
  if (value.format !== undefined) return formats.find((format) => format.name === value.format);
  const name = (value.path ?? "").toLowerCase().replace(/\.gz$/, "");
  return formats.find((format) => format.extensions.some((extension) => name.endsWith(extension))) ?? formats[0];
}

/** The sheet of a workbook, as the form's two fields show it: text is its name, also "2024"; a number counts from 1. */
export function sheetOf({ sheet }: SourceValue): { name: string; number: number | null } {
  return { name: typeof sheet === "string" ? sheet : "", number: typeof sheet === "number" ? sheet : null };
}
export const withSheetName = (value: SourceValue, name: string): SourceValue => withKey(value, "sheet", name);
export const withSheetNumber = (value: SourceValue, number: number | null): SourceValue => withKey(value, "sheet", number ?? undefined);

/** The parameters of the requests to Custify, as the form shows them: "company_id=c1". */
export const parametersOf = ({ query }: CustifySourceValue): string[] => Object.entries(query ?? {}).map(([name, setting]) => `${name}=${setting}`);
export const isParameter = (text: string): boolean => /^[^=\s]+=./.test(text);
/** The value with these parameters; texts that are none are left out. */
export function withParameters({ query: _, ...others }: CustifySourceValue, texts: string[]): CustifySourceValue {
  const pairs = texts.filter(isParameter).map((text): [string, string] => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]);
  return pairs.length === 0 ? others : { ...others, query: Object.fromEntries(pairs) };
}

export const readsQuery = (value: SourceValue): boolean => value.query !== undefined;
/** A table or a query, never both. */
export function asQuery(value: SourceValue): SourceValue {
  const { table, ...others } = value;
  return { ...others, query: value.query ?? (table ? `select *\nfrom ${table}` : "") };
}
export function asTable(value: SourceValue): SourceValue {
  const { query, ...others } = value;
  return { ...others, table: value.table ?? /\bfrom\s+([\w.]+)\s*$/i.exec(query ?? "")?.[1] ?? "" };
}

/** The value with this cursor. Without an overlap the setting is the column's name alone. */
export function withCursor(value: SourceValue, column: string, overlap: string): SourceValue {
  if (column === "") return withKey(value, "cursor", undefined);
  const span = /^\d+(\.\d+)?$/.test(overlap) ? Number(overlap) : overlap;
  return { ...value, cursor: overlap === "" ? column : { column, overlap: span } };
}
export function cursorOf(value: SourceValue): { column: string; overlap: string } {
  const { cursor } = value;
  if (cursor === undefined || typeof cursor === "string") return { column: cursor ?? "", overlap: "" };
  return { column: cursor.column, overlap: String(cursor.overlap ?? "") };
}

export type Auth = "key" | "query" | "basic" | "standard" | "generic" | "none";
type AuthSettings = Record<string, unknown> | undefined;
export function authOf(value: SourceValue): Auth {
  const auth = value["auth"];
  if (auth === "none") return "none";
  const given = auth as AuthSettings;
  if (given?.["type"] === "hmac") return given["scheme"] === "generic" ? "generic" : "standard";
  return given?.["query"] !== undefined ? "query" : given?.["basic"] !== undefined ? "basic" : "key";
}
export function withAuth(value: SourceValue, auth: Auth): SourceValue {
  const made: Record<Auth, unknown> = {
    key: undefined, // the default: the header X-API-Key
    query: { type: "key", query: "key" },
    basic: { type: "key", basic: "penstock" },
    standard: { type: "hmac", scheme: "standard" },
    generic: { type: "hmac", scheme: "generic", header: "X-Signature", prefix: "sha256=" },
    none: "none",
  };
  return withKey(value, "auth", made[auth]);
}
/** The value with one setting of the authentication of senders; an empty text removes it. */
export function withAuthKey(value: SourceValue, key: string, setting: string): SourceValue {
  const auth = (value["auth"] as AuthSettings) ?? { type: "key" };
  const { [key]: _, ...others } = auth;
  return { ...value, auth: (setting === "" ? others : { ...others, [key]: setting }) as SourceValue["auth"] };
}
export function authText(value: SourceValue, key: string, otherwise = ""): string {
  const setting = (value["auth"] as AuthSettings)?.[key];
  return typeof setting === "string" ? setting : otherwise;
}

/** Whether the file was uploaded, so that another upload can replace it. */
export const isUpload = (value: SourceValue): boolean => value.type === "file" && /(^|\/)uploads\//.test(value.path ?? "");
