import { describe, expect, test } from "vitest";
import type { Problem } from "@/api/types";
import { elsewhere, placed, placedOf } from "./problems";

const sql: Problem = { path: "datasets.contacts.sql", code: "sql-error", message: "line 2, column 8 of the SQL: DuckDB says: Binder Error: no column emial\n  select emial\n         ^", hint: "change the SQL" };
const key: Problem = { path: "datasets.contacts.key", code: "unknown-column", message: "there is no column id" };

describe("errors at their place", () => {
  test("line and column are read from the message; the quoted line below is left out", () => {
    expect(placed(sql.message)).toEqual({ line: 2, column: 8, message: "line 2, column 8 of the SQL: DuckDB says: Binder Error: no column emial" });
  });
  test("an error of the sandbox names only its line", () => {
    expect(placed("line 3 (return record[0]): IndexError")).toEqual({ line: 3, message: "line 3 (return record[0]): IndexError" });
  });
  test("an error without a place is at the first line", () => {
    expect(placed("the sql of a dataset is one SELECT").line).toBe(1);
  });
  test("each problem is shown at its own setting", () => {
    expect(placedOf([sql, key], "sql").map((error) => error.line)).toEqual([2]);
    expect(elsewhere([sql, key], "sql")).toEqual([key]);
  });
});
