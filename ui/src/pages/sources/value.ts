/** A source's settings as the form edits them: pure steps from one value to the next. */
import type { FileFormat, SourceValue } from "@/api/types";

export type Way = "upload" | "file" | "sql" | "webhook";
export const WAYS: Way[] = ["upload", "file", "sql", "webhook"];
export const isWay = (word: unknown): word is Way => WAYS.includes(word as Way);

export function begun(way: Way): SourceValue {
  if (way === "sql") return { type: "sql", url: "", table: "" };
  return way === "webhook" ? { type: "webhook" } : { type: "file", path: "" };
}

/** Whether there is enough to look at it or to save it. */
export function isComplete(value: SourceValue): boolean {
  if (value.type === "file") return (value.path ?? "") !== "";
  if (value.type === "sql") return (value.url ?? "") !== "" && ((value.table ?? "") !== "" || (value.query ?? "") !== "");
  return true;
}

/** Whether one can look at it already: of a database the tables are told before one is chosen. */
export const canLook = (value: SourceValue): boolean => isComplete(value) || (value.type === "sql" && (value.url ?? "") !== "");
/** What is looked at: an empty table or query is none. */
export function looked(value: SourceValue): SourceValue {
  return Object.fromEntries(Object.entries(value).filter(([key, said]) => !(said === "" && (key === "table" || key === "query")))) as SourceValue;
}

/** The value with one key set. An empty text removes the key, unless the kind requires it. */
export function withKey(value: SourceValue, key: keyof SourceValue, said: unknown): SourceValue {
  const { [key]: _, ...others } = value;
  const must = key === "path" || key === "url" || key === "table" || key === "query";
  return said === undefined || (said === "" && !must) ? (others as SourceValue) : ({ ...others, [key]: said } as SourceValue);
}

/** The format that a file is probably read as: the one given, or the first with its ending. Its options are shown in the form. */
export function formatOf(value: SourceValue, formats: FileFormat[]): FileFormat | undefined {
  if (value.format !== undefined) return formats.find((format) => format.name === value.format);
  const name = (value.path ?? "").toLowerCase().replace(/\.gz$/, "");
  return formats.find((format) => format.extensions.some((extension) => name.endsWith(extension))) ?? formats[0];
}

/** The sheet of a workbook: digits are its number, other text its name. */
export const withSheet = (value: SourceValue, said: string): SourceValue => withKey(value, "sheet", /^[1-9]\d*$/.test(said) ? Number(said) : said);

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

/** The cursor in its short form while nothing is read again. */
export function withCursor(value: SourceValue, column: string, overlap: string): SourceValue {
  if (column === "") return withKey(value, "cursor", undefined);
  const far = /^\d+(\.\d+)?$/.test(overlap) ? Number(overlap) : overlap;
  return { ...value, cursor: overlap === "" ? column : { column, overlap: far } };
}
export function cursorOf(value: SourceValue): { column: string; overlap: string } {
  const { cursor } = value;
  if (cursor === undefined || typeof cursor === "string") return { column: cursor ?? "", overlap: "" };
  return { column: cursor.column, overlap: String(cursor.overlap ?? "") };
}

export type Auth = "key" | "query" | "basic" | "standard" | "generic" | "none";
type Given = Record<string, unknown> | undefined;
export function authOf(value: SourceValue): Auth {
  const auth = value["auth"];
  if (auth === "none") return "none";
  const given = auth as Given;
  if (given?.["type"] === "hmac") return given["scheme"] === "generic" ? "generic" : "standard";
  return given?.["query"] !== undefined ? "query" : given?.["basic"] !== undefined ? "basic" : "key";
}
export function withAuth(value: SourceValue, auth: Auth): SourceValue {
  const made: Record<Auth, unknown> = {
    key: undefined, // X-API-Key, when nothing is said
    query: { type: "key", query: "key" },
    basic: { type: "key", basic: "penstock" },
    standard: { type: "hmac", scheme: "standard" },
    generic: { type: "hmac", scheme: "generic", header: "X-Signature", prefix: "sha256=" },
    none: "none",
  };
  return withKey(value, "auth", made[auth]);
}
/** One setting of the way a sender shows who it is. */
export function withAuthKey(value: SourceValue, key: string, said: string): SourceValue {
  const auth = (value["auth"] as Given) ?? { type: "key" };
  const { [key]: _, ...others } = auth;
  return { ...value, auth: (said === "" ? others : { ...others, [key]: said }) as SourceValue["auth"] };
}
export function authText(value: SourceValue, key: string, otherwise = ""): string {
  const said = (value["auth"] as Given)?.[key];
  return typeof said === "string" ? said : otherwise;
}

/** Whether the file came from a person's computer: a newer one can take its place. */
export const isUpload = (value: SourceValue): boolean => value.type === "file" && /(^|\/)uploads\//.test(value.path ?? "");
