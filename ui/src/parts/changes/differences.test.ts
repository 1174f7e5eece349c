import { expect, test } from "vitest";
import { differences } from "./differences";

test("only the leaves that differ, each with both values", () => {
  const theirs = { template: "upsert_person", fields: { email: "mail", name: "n" }, exclude: ["a"] };
  const mine = { fields: { email: "email", name: "n" }, exclude: ["a", "b"], template: "upsert_person" };
  expect(differences(theirs, mine)).toEqual([
    { path: "fields.email", theirs: "mail", mine: "email" },
    { path: "exclude", theirs: ["a"], mine: ["a", "b"] },
  ]);
});

test("a missing setting differs from null, and 0 from false", () => {
  expect(differences({ a: null, b: 0 }, { b: false })).toEqual([
    { path: "a", theirs: null, mine: undefined },
    { path: "b", theirs: 0, mine: false },
  ]);
  expect(differences({ a: 1 }, { a: 1 })).toEqual([]);
});
