import { expect, test } from "vitest";
import { sorted } from "./sort";

const columns = [{ id: "n", by: (row: { n: number | string | null }) => row.n }];
const of = (...ns: (number | string | null)[]) => ns.map((n) => ({ n }));
const values = (rows: { n: number | string | null }[]) => rows.map((row) => row.n);

test("numbers sort by size, texts in natural order, and rows without a value are last in both directions", () => {
  expect(values(sorted(of(10, null, 9, 0), columns, { id: "n", down: false }))).toEqual([0, 9, 10, null]);
  expect(values(sorted(of(10, null, 9, 0), columns, { id: "n", down: true }))).toEqual([10, 9, 0, null]);
  expect(values(sorted(of("run10", "run9"), columns, { id: "n", down: false }))).toEqual(["run9", "run10"]);
});

test("without a sort the rows are unchanged", () => {
  const rows = of(2, 1);
  expect(sorted(rows, columns, null)).toBe(rows);
  expect(sorted(rows, columns, { id: "gone", down: true })).toBe(rows);
});
