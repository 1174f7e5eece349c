import { describe, expect, test } from "vitest";
import { asKind, clockOf, clockText, cronOf, cronText, everyOf, everyText, inWords, kindOf, moved } from "./schedule";

describe("a schedule", () => {
  test("its kind is read from its text", () => {
    expect([undefined, "0 2 * * *", "every 15m", "On new data"].map(kindOf)).toEqual(["hand", "cron", "every", "data"]);
  });
  test.each(["5 * * * *", "30 2 * * *", "0 8 * * 1-5", "15 6 * * 0", "0 3 31 * *"])("%s has a preset and is written back unchanged", (text) => {
    const read = cronOf(text);
    expect(read.preset).not.toBe("custom");
    expect(cronText(read, text)).toBe(text);
  });
  test.each(["*/5 * * * *", "0 2 1 1 *", "0 2,14 * * *", "0 2 1 * 1", "0 2 * *", "99 2 * * *", ""])("%s has no preset and stays unchanged", (text) => {
    expect(cronOf(text).preset).toBe("custom");
    expect(cronText(cronOf(text), text)).toBe(text);
  });
  test("Sunday is 0, also when it is written as 7", () => {
    expect(cronOf("0 2 * * 7").weekday).toBe(0);
  });
  test("spans and clock times", () => {
    expect(everyOf("every 2 h")).toEqual({ n: 2, unit: "h" });
    expect(everyText(90, "s")).toBe("every 90s");
    expect(clockText({ hour: 2, minute: 5 })).toBe("02:05");
    expect(clockOf("14:30")).toEqual({ hour: 14, minute: 30 });
    expect(clockOf("")).toBe(null);
  });
  test.each([
    ["5 * * * *", "every hour, at minute 5"],
    ["0 2 * * *", "every day, 02:00"],
    ["0 6 * * 1", "every week, Monday 06:00"],
    ["30 3 31 * *", "every month, day 31 03:30"],
    ["0 2 1 1 *", "0 2 1 1 *"],
    ["every 15m", "every 15m"],
  ])("%s in words is %s", (text, words) => {
    expect(inWords(text)).toBe(words);
  });
  test("keys that do not belong to the new kind are removed", () => {
    const nightly = { destinations: ["a"], schedule: "0 2 * * *", timezone: "Europe/Berlin", catch_up: "all" };
    expect(asKind(nightly, "hand", "UTC")).toEqual({ destinations: ["a"] });
    expect(asKind(nightly, "data", "UTC")).toEqual({ destinations: ["a"], schedule: "on new data" });
    expect(asKind(nightly, "every", "UTC")).toEqual({ destinations: ["a"], schedule: "every 15m", catch_up: "all" });
    expect(asKind({ destinations: ["a"] }, "cron", "Europe/Berlin")).toEqual({ destinations: ["a"], schedule: "0 2 * * *", timezone: "Europe/Berlin" });
  });
});

test("a destination moves one place and stays at the edge", () => {
  expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b"], 0, -1)).toEqual(["a", "b"]);
});
