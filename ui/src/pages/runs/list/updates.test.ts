import { expect, test } from "vitest";
import type { Items, Run } from "@/api/types";
import { movingBelow } from "./updates";

const run = (name: string, status = "succeeded") => ({ run: name, status }) as Run;
const page = (...items: Run[]): Items<Run> => ({ items, next: "1" });

test("runs that are not over and lie below the first page are asked for one by one", () => {
  const pages = [page(run("c", "running"), run("b")), page(run("a", "queued"), run("z"))];
  expect(movingBelow(pages, page(run("c"), run("b")))).toEqual(["a"]);
});
