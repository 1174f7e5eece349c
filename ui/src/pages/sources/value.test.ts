import { describe, expect, test } from "vitest";
import type { SourceValue } from "@/api/types";
import { asQuery, asTable, authOf, begun, cursorOf, fileKind, isComplete, withAuth, withAuthKey, withCursor, withKey } from "./value";

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

describe("the keys of a file", () => {
  test("depend on what it is read as", () => {
    const kind = (path: string, format?: SourceValue["format"]) => fileKind({ type: "file", path, ...(format === undefined ? {} : { format }) });
    expect([kind("a.csv"), kind("a.txt"), kind("a.TSV.gz"), kind("a.json", "csv")]).toEqual(["text", "text", "text", "text"]);
    expect([kind("a.json"), kind("a.json.gz"), kind("a.txt", "json")]).toEqual(["json", "json", "json"]);
    expect([kind("a.ndjson"), kind("a.parquet"), kind("a.csv", "ndjson")]).toEqual(["other", "other", "other"]);
  });
});
