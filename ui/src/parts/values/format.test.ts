import { expect, test } from "vitest";
import { ago, bytes, cellText, count, duration, keyText, pretty } from "./format";

test("durations have at most two units", () => {
  expect([0.042, 3.25, 59.6, 75, 3600, 7320, 90_000].map(duration)).toEqual(["42 ms", "3.3 s", "60 s", "1 min 15 s", "1 h", "2 h 2 min", "1 d 1 h"]);
});

test("sizes and counts", () => {
  expect([999, 1500, 20_400_000].map(bytes)).toEqual(["999 B", "1.5 kB", "20 MB"]);
  expect([count(1, "record"), count(7043, "record"), count(2, "entry", "entries")]).toEqual(["1 record", "7,043 records", "2 entries"]);
});

test("relative times in the past and the future", () => {
  const now = new Date("2026-11-25T12:00:00Z");
  const relative = (iso: string) => ago(new Date(iso), now);
  expect(relative("2026-11-25T11:59:55Z")).toBe("just now");
  expect(relative("2026-11-25T11:57:00Z")).toBe("3 minutes ago");
  expect(relative("2026-11-25T14:00:00Z")).toBe("in 2 hours");
  expect(relative("2026-11-24T12:00:00Z")).toBe("yesterday");
});

test("falsy values are values", () => {
  expect([0, false, "", null, undefined, { a: 1 }].map(cellText)).toEqual(["0", "false", "", "null", "null", '{"a":1}']);
  expect([keyText(null), keyText("a"), keyText(["a", "1"])]).toEqual(["no key", "a", "a · 1"]);
});

test("JSON is indented without touching a number or a text", () => {
  expect(pretty('{"a":[1,{}],"id":12345678901234567890,"t":"x, {y}: \\"z\\"","e":[]}')).toBe(
    '{\n  "a": [\n    1,\n    {}\n  ],\n  "id": 12345678901234567890,\n  "t": "x, {y}: \\"z\\"",\n  "e": []\n}',
  );
  expect([pretty("not json"), pretty(null)]).toEqual(["not json", ""]);
});
