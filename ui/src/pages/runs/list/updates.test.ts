import { expect, test } from "vitest";
import type { Items, Run } from "@/api/types";
import { liveBelow } from "./updates";

const run = (name: string, status = "succeeded") => ({ run: name, status }) as Run;
const page = (...items: Run[]): Items<Run> => ({ items, next: "1" });

test("live runs below the first page are requested one by one", () => {
  const pages = [page(run("c", "running"), run("b")), page(run("a", "queued"), run("z"))];
  expect(liveBelow(pages, page(run("c"), run("b")))).toEqual(["a"]);
});
