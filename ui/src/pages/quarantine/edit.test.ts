import { expect, test } from "vitest";
import { editOf } from "./edit";

test("only what differs is sent; a member that was taken out sends the whole record", () => {
  expect(editOf({ a: 1, b: 0, c: "007" }, { a: 1, b: false, c: "007", d: null })).toEqual({ changes: { b: false, d: null } });
  expect(editOf({ a: 1, b: 2 }, { a: 1 })).toEqual({ record: { a: 1 } });
  expect(editOf(null, { a: 1 })).toEqual({ record: { a: 1 } });
});
