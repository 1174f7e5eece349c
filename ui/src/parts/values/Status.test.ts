import { expect, test } from "vitest";
import { runStatus } from "./Status";

const run = (status: string, records: Record<string, number>) => runStatus({ status, records });

test("a partial run with only records in quarantine names their number", () => {
  expect(run("partial", { read: 1205, delivered: 5, unchanged: 0, quarantined: 1200 })).toEqual({ of: "partial", label: "delivered, 1,200 in quarantine" });
  expect(run("partial", { read: 3, unchanged: 2, quarantined: 1 })).toEqual({ of: "partial", label: "1 in quarantine" });
});

test("a comparison says how many records differ, unless it has sent some", () => {
  const compared = (status: string, reason?: string, records = {}) => runStatus({ status, records, reason, kind: "reconcile" });
  expect(compared("partial", "1,203 records are not in Custify as they were sent")).toEqual({ of: "partial", label: "1,203 records differ" });
  expect(compared("partial", "1 record is not in Custify as it was sent")).toEqual({ of: "partial", label: "1 record differs" });
  expect(compared("succeeded")).toEqual({ of: "succeeded", label: "nothing differs" });
  expect(compared("failed", "the key is refused")).toEqual({ of: "failed" });
  expect(compared("succeeded", undefined, { read: 3, delivered: 3 })).toEqual({ of: "succeeded" });
});

test("a run in which every record was refused keeps its status", () => {
  expect(run("partial", { read: 3, quarantined: 3 })).toEqual({ of: "partial", label: "3 in quarantine" });
});

test("every other status is shown unchanged", () => {
  for (const other of ["unknown", "waiting", "unsent"]) expect(run("partial", { read: 3, quarantined: 2, [other]: 1 })).toEqual({ of: "partial" });
  for (const status of ["running", "succeeded", "failed", "cancelled"]) expect(run(status, { read: 3, quarantined: 3 })).toEqual({ of: status });
});
