// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { show } from "@/test/support";
import { moment, utc } from "./format";
import { Time } from "./Values";

test("a time is shown in the user's zone, and in UTC on hover", () => {
  show(<Time at="2026-03-29T00:30:00Z" relative={false} />);
  const shown = document.querySelector("time");
  expect(shown?.title).toBe("2026-03-29 00:30:00 UTC");
  expect(shown?.textContent).toBe(moment(new Date("2026-03-29T00:30:00Z")));
});

test("a past time is shown as a distance, with both times on hover", () => {
  const at = new Date(Date.now() - 3 * 3600_000 - 60_000);
  show(<Time at={at.toISOString()} />);
  expect(screen.getByText("3 hours ago").title).toBe(`${moment(at)}\n${utc(at)}`);
});

test("zones differ, also where clocks are put forward", () => {
  const before = new Date("2026-03-29T00:30:00Z");
  const after = new Date("2026-03-29T01:30:00Z");
  expect([moment(before, "Europe/Berlin"), moment(after, "Europe/Berlin"), moment(before, "America/New_York")]).toEqual(["29 Mar 2026, 01:30:00", "29 Mar 2026, 03:30:00", "28 Mar 2026, 20:30:00"]);
});
