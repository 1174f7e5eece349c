import { describe, expect, test } from "vitest";
import type { SourceValue } from "@/api/types";
import { asQuery, asTable, authOf, initialValue, cursorOf, formatOf, isComplete, isParameter, parametersOf, sheetOf, withAuth, withAuthKey, withCursor, withKey, withParameters, withSheetName, withSheetNumber } from "./value";

describe("a source's settings", () => {
  test("are complete when they have a path, or a URL and a table or query", () => {
    expect(isComplete(initialValue("upload"))).toBe(false);
    expect(isComplete(withKey(initialValue("file"), "path", "a.csv"))).toBe(true);
    expect(isComplete({ type: "sql", url: "sqlite:///a.db", table: "" })).toBe(false);
    expect(isComplete(initialValue("webhook"))).toBe(true);
    expect(isComplete(initialValue("custify"))).toBe(false);
  });
  test("a parameter of Custify is a name and a value; an equals sign may be in the value", () => {
    const deals = { type: "custify", credential: "acme", object: "deals" } as const;
    const narrow = withParameters(deals, ["company_id=c1", "filter=a=b", "nothing", "=x", "empty="]);
    expect(narrow).toEqual({ ...deals, query: { company_id: "c1", filter: "a=b" } });
    expect(parametersOf(narrow)).toEqual(["company_id=c1", "filter=a=b"]);
    expect(withParameters(narrow, [])).toEqual(deals);
    expect(isParameter("nothing")).toBe(false);
  });
  test("an emptied setting is removed", () => {
    expect(withKey({ type: "file", path: "a.csv", delimiter: ";" }, "delimiter", "")).toEqual({ type: "file", path: "a.csv" });
  });
  test("a table becomes a query over it and back; only one of the two is set", () => {
    const query = asQuery({ type: "sql", url: "u", table: "public.people" });
    expect(query).toEqual({ type: "sql", url: "u", query: "select *\nfrom public.people" });
    expect(asTable(query)).toEqual({ type: "sql", url: "u", table: "public.people" });
  });
  test("a cursor without an overlap is the name of its column; a number stays a number", () => {
    const sql: SourceValue = { type: "sql", url: "u", table: "t" };
    expect(withCursor(sql, "id", "")).toEqual({ ...sql, cursor: "id" });
    expect(withCursor(sql, "id", "100")).toEqual({ ...sql, cursor: { column: "id", overlap: 100 } });
    expect(cursorOf(withCursor(sql, "updated_at", "1h"))).toEqual({ column: "updated_at", overlap: "1h" });
    expect(withCursor({ ...sql, cursor: "id" }, "", "1h")).toEqual(sql);
  });
  test("each method of authentication is recognized from its settings", () => {
    for (const auth of ["key", "query", "basic", "standard", "generic", "none"] as const) expect(authOf(withAuth(initialValue("webhook"), auth))).toBe(auth);
    expect(withAuthKey(initialValue("webhook"), "header", "X-Token")).toEqual({ type: "webhook", auth: { type: "key", header: "X-Token" } });
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
  test("is not known before the list of formats is loaded", () => expect(formatOf({ type: "file", path: "a.csv" }, [])).toBeUndefined());
});

test("a sheet is chosen by its name or by its number, also where the name has only digits", () => {
  const value: SourceValue = { type: "file", path: "a.xlsx" };
  expect([withSheetName(value, "2024").sheet, withSheetName(value, "People").sheet, withSheetNumber(value, 2).sheet]).toEqual(["2024", "People", 2]);
  expect(sheetOf(withSheetName(value, "2024"))).toEqual({ name: "2024", number: null });
  expect(sheetOf(withSheetNumber(withSheetName(value, "2024"), 2))).toEqual({ name: "", number: 2 });
  expect([withSheetName({ ...value, sheet: 2 }, ""), withSheetNumber({ ...value, sheet: "2024" }, null)]).toEqual([value, value]);
});
