import { describe, expect, test } from "vitest";
import type { Items, Run } from "@/api/types";
import { withFirst, withThese } from "./updates";

const page = (names: string, next: string | null = null): Items<Run> => ({
  items: names.split(" ").filter((name) => name !== "").map((name) => ({ run: name.toLowerCase(), status: name === name.toUpperCase() ? "running" : "succeeded" }) as Run),
  next,
});
const idOf = (run: Run) => run.run;
const names = (pages: Items<Run>[] | null) => pages?.map((one) => one.items.map((run) => (run.status === "running" ? run.run.toUpperCase() : run.run)).join(" "));

describe("a list of runs, its first page asked again", () => {
  test("new ones come in above, what is known changes, and no run stands twice", () => {
    expect(names(withFirst([page("C b", "1"), page("a z", "2")], page("d c b", "9"), idOf))).toEqual(["d c b", "a z"]);
    expect(withFirst([page("C b", "1"), page("a z", "2")], page("e d", "9"), idOf)).toBe(null); // nothing in common
    expect(names(withFirst([page("C b", "1"), page("a z", "2")], page("d c", "9"), idOf))).toEqual(["d c b", "a z"]);
  });
  test("those that are gone from its range go; it may reach into the second page then", () => {
    expect(names(withFirst([page("c b", "1"), page("a z", "2")], page("c a", "9"), idOf))).toEqual(["c a", "z"]);
  });
  test("when it is all there is, it is the list", () => {
    expect(names(withFirst([page("c b", "1"), page("a z", null)], page("d c", null), idOf))).toEqual(["d c"]);
  });
  test("where the next page begins stays as it was", () => {
    expect(withFirst([page("c b", "1"), page("a", "2")], page("d c", "9"), idOf)?.map((one) => one.next)).toEqual(["1", "2"]);
  });
  test("an item further down is replaced by its present state, or leaves the list", () => {
    const pages = [page("C b", "1"), page("A z", "2")];
    expect(names(withThese(pages, new Map([["a", { run: "a", status: "succeeded" } as Run]]), idOf))).toEqual(["C b", "a z"]);
    expect(names(withThese(pages, new Map([["a", null]]), idOf))).toEqual(["C b", "z"]);
  });
});
