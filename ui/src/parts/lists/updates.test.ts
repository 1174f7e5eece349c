import { describe, expect, test } from "vitest";
import type { Items, Run } from "@/api/types";
import { withFirst, withThese } from "./updates";

const page = (names: string, next: string | null = null): Items<Run> => ({
  items: names.split(" ").filter((name) => name !== "").map((name) => ({ run: name.toLowerCase(), status: name === name.toUpperCase() ? "running" : "succeeded" }) as Run),
  next,
});
const idOf = (run: Run) => run.run;
const names = (pages: Items<Run>[] | null) => pages?.map((one) => one.items.map((run) => (run.status === "running" ? run.run.toUpperCase() : run.run)).join(" "));

describe("a list of runs whose first page is requested again", () => {
  test("new runs are added at the top, known runs are updated, and no run is listed twice", () => {
    expect(names(withFirst([page("C b", "1"), page("a z", "2")], page("d c b", "9"), idOf))).toEqual(["d c b", "a z"]);
    expect(withFirst([page("C b", "1"), page("a z", "2")], page("e d", "9"), idOf)).toBe(null); // nothing in common
    expect(names(withFirst([page("C b", "1"), page("a z", "2")], page("d c", "9"), idOf))).toEqual(["d c b", "a z"]);
  });
  test("runs that left the range are removed; the range can then reach into the second page", () => {
    expect(names(withFirst([page("c b", "1"), page("a z", "2")], page("c a", "9"), idOf))).toEqual(["c a", "z"]);
  });
  test("a first page without a next page is the whole list", () => {
    expect(names(withFirst([page("c b", "1"), page("a z", null)], page("d c", null), idOf))).toEqual(["d c"]);
  });
  test("the cursor of the next page does not change", () => {
    expect(withFirst([page("c b", "1"), page("a", "2")], page("d c", "9"), idOf)?.map((one) => one.next)).toEqual(["1", "2"]);
  });
  test("an item further down is updated or removed", () => {
    const pages = [page("C b", "1"), page("A z", "2")];
    expect(names(withThese(pages, new Map([["a", { run: "a", status: "succeeded" } as Run]]), idOf))).toEqual(["C b", "a z"]);
    expect(names(withThese(pages, new Map([["a", null]]), idOf))).toEqual(["C b", "z"]);
  });
});
