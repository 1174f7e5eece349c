import { describe, expect, test } from "vitest";
import type { Column } from "@/api/types";
import { keysOf, likelyKey, withKeys, withSql, withType } from "./value";

const column = (name: string): Column => ({ name, type: "text", nullable: false, examples: [] });

describe("the key of a dataset", () => {
  test("one column is written as a name, several as a list", () => {
    const base = { source: "crm", key: "" };
    expect(keysOf(base)).toEqual([]);
    expect(withKeys(base, ["id"])).toEqual({ source: "crm", key: "id" });
    expect(keysOf(withKeys(base, ["region", "id"]))).toEqual(["region", "id"]);
  });
  test("the suggested key has a name for an id and differs in each record", () => {
    const rows = [{ company_id: "a", user_id: 1, id_no: 0 }, { company_id: "a", user_id: 2, id_no: 0 }];
    expect(likelyKey([column("company_id"), column("user_id")], rows)).toBe("user_id");
  });
  test("a column with an empty value is not suggested; 0 and false are values", () => {
    expect(likelyKey([column("id")], [{ id: 0 }, { id: "" }])).toBe(null);
    expect(likelyKey([column("id")], [{ id: 0 }, { id: false }])).toBe("id");
  });
});

test("removing the last type removes the setting, and turning SQL off removes the SQL", () => {
  const typed = withType({ source: "crm", key: "id" }, "zip", "text");
  expect(typed.types).toEqual({ zip: "text" });
  expect(withType(typed, "zip", null)).toEqual({ source: "crm", key: "id" });
  expect(withSql({ source: "crm", key: "id", sql: "select 1" }, undefined)).toEqual({ source: "crm", key: "id" });
});
