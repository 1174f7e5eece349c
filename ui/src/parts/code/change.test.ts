import { expect, test } from "vitest";
import { changed } from "./change";

const put = (before: string, after: string) => {
  const { from, to, insert } = changed(before, after);
  return before.slice(0, from) + insert + before.slice(to);
};

test.each([
  ["", ""],
  ["", "new"],
  ["old", ""],
  ["same", "same"],
  ["aaa", "aaaa"],
  ["aaaa", "aa"],
  ["one two three", "one 2 three"],
  ["abab", "ab"],
])("puts %j where %j was", (before, after) => expect(put(before, after)).toBe(after));

test("touches only what differs", () => {
  expect(changed('{"a": 1, "b": 2}', '{"a": 7, "b": 2}')).toEqual({ from: 6, to: 7, insert: "7" });
  expect(changed("same", "same")).toEqual({ from: 4, to: 4, insert: "" });
});
