import { expect, test } from "vitest";
import type { Bucket } from "@/api/types";
import { axisText, hasLatency, outcomesOf, plotted, recordsOf, requestsOf } from "./series";

const bucket = (at: string, some: Partial<Bucket>): Bucket => ({ at, delivered: 0, accepted: 0, unchanged: 0, quarantined: 0, unknown: 0, waiting: 0, unsent: 0, requests: 0, p50_ms: null, p95_ms: null, ...some });
const buckets = [bucket("2026-11-25T10:00:00Z", { delivered: 3, requests: 1, p50_ms: 12, p95_ms: 40 }), bucket("2026-11-25T11:00:00Z", { unchanged: 2, quarantined: 1 })];

test("only outcomes with records are shown, in the order of the glossary; sums count every record once", () => {
  expect(outcomesOf(buckets)).toEqual(["delivered", "unchanged", "quarantined"]);
  expect(recordsOf(buckets)).toBe(6);
  expect(requestsOf(buckets)).toBe(1);
  expect(hasLatency(buckets)).toBe(true);
  expect(hasLatency(buckets.slice(1))).toBe(false);
});
test("the axis has times within a day, weekdays within a week, dates beyond", () => {
  expect(axisText("2026-11-25T10:00:00Z", 60, 24, "UTC")).toBe("10:00");
  expect(axisText("2026-11-25T10:00:00Z", 60, 168, "UTC")).toBe("Wed 10:00");
  expect(axisText("2026-11-25T00:00:00Z", 1440, 720, "UTC")).toBe("25 Nov");
});
test("every bucket is shown, also an empty one", () => {
  expect(plotted({ minutes: 60, buckets, budget: [] }, 24)).toHaveLength(2);
});
