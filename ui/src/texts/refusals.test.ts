import { expect, test } from "vitest";
import { refusal, refusalLine, RULES } from "./refusals";

const values = { field: "plan", column: "plan_name", value: "x".repeat(20), limit: 10, mapped: true, finding: "has 20 characters", accepted: "at most 10 characters" };

test("the text for long values names the switch of the form", () => {
  const { text, way } = refusal({ rule: "length", values, reason: "plan: … write `truncate: true` at destinations.people.fields.plan" });
  expect(text).toBe(`plan “${"x".repeat(20)}” is longer than 10 characters.`);
  expect(way).toContain("Turn on Cut long text at plan in the destination's form");
});

test("the text for a type names the time since it applies, and the page to change it", () => {
  const since = "2026-11-25T16:04:09Z";
  const { text, way } = refusal({ rule: "type", values: { field: "age", column: "age", value: "old", type: "integer", since }, reason: "…" });
  expect(text).toBe("age: “old” is not of the type integer.");
  expect(way).toContain("since 25 Nov 2026");
  expect(way).toContain("Press Detect again on the dataset's page");
});

test("an HTTP status shows the API's words", () => {
  expect(refusal({ rule: "422", values: { sentence: "422 Unprocessable: no such plan" }, reason: "422 Unprocessable: no such plan" }).text).toBe("422 Unprocessable: no such plan");
});

test("a reason of an earlier release is shown unchanged", () => {
  expect(refusalLine({ rule: "email", values: null, reason: "email: 'x' is no address" })).toBe("email: 'x' is no address");
  expect(refusalLine({ reason: null })).toBe("");
});

test("a record that was in quarantine before is named as still in quarantine", () => {
  expect(refusal({ rule: "email", values: { field: "email", value: "x" }, reason: "still in quarantine: …", held: true }).text).toBe("Still in quarantine: email: “x” is not an e-mail address.");
});

test("every rule has a text, also with values that are missing, and none names files or commands", () => {
  const forbidden = /`|penstock|yaml|--|datasets\.|destinations\.|PENSTOCK|\bproject file\b|undefined|null|\b(types|truncate|decimal|exclude|on_changed|sql):/i;
  for (const [rule, words] of Object.entries(RULES))
    for (const some of [{ sentence: "this is wrong" }, values, { ...values, mapped: false, field: "a" }, { column: "a", value: "1", type: "integer", sentence: "it is wrong" }]) {
      const { text, way } = words(some);
      expect(text, rule).not.toBe("");
      expect(`${text} ${way ?? ""}`, rule).not.toMatch(forbidden);
    }
});
