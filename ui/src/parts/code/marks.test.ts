import { expect, test } from "vitest";
import { freshIn } from "./marks";

const marked = (before: string, now: string) => freshIn(before, now).map(({ from, to }) => now.slice(from, to));

test("each new value of a payload is marked", () => {
  const before = '{\n  "email": "ada@example.com",\n  "seats": 1\n}';
  expect(marked(before, before.replace("1", "7"))).toEqual(["7"]);
  expect(marked(before, before.replace("\n}", ',\n  "plan": "team"\n}')).join("")).toContain('"plan": "team"');
});

test("an equal or shorter text has no marks", () => {
  expect(marked("abc", "abc")).toEqual([]);
  expect(marked('{"a": 1, "b": 2}', '{"a": 1}')).toEqual([]);
});

test("texts that are too long to compare have no marks", () => {
  expect(marked("a".repeat(150_000), "b".repeat(150_000))).toEqual([]);
});
