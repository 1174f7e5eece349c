import { describe, expect, test } from "vitest";
import type { SourceValue } from "@/api/types";
import { asQuery, asTable, authOf, begun, cursorOf, formatOf, isComplete, withAuth, withAuthKey, withCursor, withKey, withSheet } from "./value";

describe("a source's settings", () => {
  test("nothing is complete before it says where the records are", () => {
    expect(isComplete(begun("upload"))).toBe(false);
    expect(isComplete(withKey(begun("file"), "path", "a.csv"))).toBe(true);
    expect(isComplete({ type: "sql", url: "sqlite:///a.db", table: "" })).toBe(false);
    expect(isComplete(begun("webhook"))).toBe(true);
  });
  test("an emptied setting goes, so that the file says only what was said", () => {
    expect(withKey({ type: "file", path: "a.csv", delimiter: ";" }, "delimiter", "")).toEqual({ type: "file", path: "a.csv" });
  });
  test("a table becomes a query over it and back, and never are both given", () => {
    const query = asQuery({ type: "sql", url: "u", table: "public.people" });
    expect(query).toEqual({ type: "sql", url: "u", query: "select *\nfrom public.people" });
    expect(asTable(query)).toEqual({ type: "sql", url: "u", table: "public.people" });
  });
  test("a cursor is short until something is read again; numbers stay numbers", () => {
    const sql: SourceValue = { type: "sql", url: "u", table: "t" };
    expect(withCursor(sql, "id", "")).toEqual({ ...sql, cursor: "id" });
    expect(withCursor(sql, "id", "100")).toEqual({ ...sql, cursor: { column: "id", overlap: 100 } });
    expect(cursorOf(withCursor(sql, "updated_at", "1h"))).toEqual({ column: "updated_at", overlap: "1h" });
    expect(withCursor({ ...sql, cursor: "id" }, "", "1h")).toEqual(sql);
  });
  test("each way of showing who one is can be told from its settings", () => {
    for (const auth of ["key", "query", "basic", "standard", "generic", "none"] as const) expect(authOf(withAuth(begun("webhook"), auth))).toBe(auth);
    expect(withAuthKey(begun("webhook"), "header", "X-Token")).toEqual({ type: "webhook", auth: { type: "key", header: "X-Token" } });
  });
});

describe("the format of a file", () => {
  const format = (name: string, ...extensions: string[]) => ({ name, label: name, about: "", extensions, options: [], is_text: true, can_upload: true });
  const formats = [format("csv", ".csv", ".txt"), format("json", ".json"), format("ndjson", ".ndjson", ".json"), format("xlsx", ".xlsx")];
  const found = (path: string, given?: SourceValue["format"]) => formatOf({ type: "file", path, ...(given === undefined ? {} : { format: given }) }, formats)?.name;
  test("is the one given, else the first with its ending", () => {
    expect([found("a.csv"), found("a.txt"), found("a.XLSX.gz"), found("a.json")]).toEqual(["csv", "csv", "xlsx", "json"]);
    expect([found("a.csv", "ndjson"), found("a"), found("")]).toEqual(["ndjson", "csv", "csv"]);
  });
  test("is not known before the formats are", () => expect(formatOf({ type: "file", path: "a.csv" }, [])).toBeUndefined());
});

test("a sheet is a number where it is written in digits, else a name", () => {
  const value: SourceValue = { type: "file", path: "a.xlsx" };
  expect([withSheet(value, "2").sheet, withSheet(value, "People").sheet, withSheet(value, "0").sheet]).toEqual([2, "People", "0"]);
  expect(withSheet({ ...value, sheet: 2 }, "")).toEqual(value);
});
