// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { runRoutes } from "@/pages/runs/routes";
import { versionRoutes } from "@/pages/versions/routes";

type Checked = { options: { validateSearch?: (search: Record<string, unknown>) => unknown } };
const search = (route: unknown, given: Record<string, unknown>) => (route as Checked).options.validateSearch?.(given);

test("an address keeps the search parameters of its page and no others", () => {
  const [runs, run] = runRoutes;
  expect(search(runs, { status: "partial", target: "people", hours: 168, charts: "off", other: 1 })).toEqual({ status: "partial", target: "people", hours: 168, charts: "off" });
  expect(search(runs, { status: 3, hours: 5, charts: "on" })).toEqual({});
  expect(search(run, { tab: "records", outcome: "unknown" })).toEqual({ tab: "records", outcome: "unknown" });
  expect(search(run, { tab: "elsewhere" })).toEqual({});
  expect(search(versionRoutes[1], { view: "since" })).toEqual({ view: "since" });
  expect(search(versionRoutes[1], { view: "never" })).toEqual({});
});
