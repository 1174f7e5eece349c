// @vitest-environment happy-dom
import { fireEvent, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { show } from "@/test/support";
import { type Col, DataTable } from "./DataTable";

interface Row {
  id: string;
  n: number;
}
const rows: Row[] = Array.from({ length: 10_000 }, (_, n) => ({ id: `r-${n}`, n }));
const made = vi.fn((row: Row) => row.id);
const columns: Col<Row>[] = [
  { id: "id", header: "Run", cell: made },
  { id: "n", header: "Records", align: "right", by: (row) => row.n, cell: (row) => row.n },
];
const table = (more: Partial<Parameters<typeof DataTable<Row>>[0]> = {}) => <DataTable label="Runs" rows={rows} columns={columns} rowKey={(row) => row.id} {...more} />;
const shown = () => [...document.querySelectorAll("tbody tr[data-index]")];

test("of ten thousand rows only those in view are rendered, and the table has the row count", () => {
  show(table());
  expect(shown().length).toBeLessThan(60);
  expect(screen.getByRole("table", { name: "Runs" }).getAttribute("aria-rowcount")).toBe("10001");
});

test("an unchanged row is not rendered again with the table", () => {
  made.mockClear();
  const { again } = show(table());
  const first = made.mock.calls.length;
  again(table({ onEnd: () => undefined }));
  expect(made.mock.calls.length).toBe(first);
});

test("Enter and a click open a row; a link within it opens itself", () => {
  const onOpen = vi.fn();
  const linked: Col<Row>[] = [{ id: "id", header: "Run", cell: (row) => <a href="#there">{row.id}</a> }, { id: "n", header: "Records", cell: (row) => <i>{row.n} records</i> }];
  show(table({ onOpen, columns: linked }));
  const row = shown()[1] as HTMLElement;
  fireEvent.click(screen.getByText("1 records"));
  fireEvent.keyDown(row, { key: "Enter" });
  fireEvent.click(screen.getByText("r-1"));
  expect(onOpen.mock.calls.map(([opened]) => opened.id)).toEqual(["r-1", "r-1"]);
});

test("Tab focuses one row, and the arrow keys move the focus", () => {
  show(table());
  const tabbed = () => shown().filter((row) => row.getAttribute("tabindex") === "0").map((row) => row.getAttribute("data-index"));
  expect(tabbed()).toEqual(["0"]);
  fireEvent.keyDown(shown()[0] as HTMLElement, { key: "ArrowDown" });
  expect(tabbed()).toEqual(["1"]);
});

test("a heading sorts up, then down, then restores the order", () => {
  show(table({ rows: rows.slice(0, 3) }));
  const order = () => shown().map((row) => row.textContent);
  const press = () => fireEvent.click(screen.getByRole("button", { name: /Records/ }));
  press();
  press();
  expect(order()).toEqual(["r-22", "r-11", "r-00"]);
  expect(screen.getByRole("columnheader", { name: /Records/ }).getAttribute("aria-sort")).toBe("descending");
  press();
  expect(order()).toEqual(["r-00", "r-11", "r-22"]);
});

test("the end of the list loads more; without rows the empty state is shown", () => {
  const onEnd = vi.fn();
  const { again } = show(table({ rows: rows.slice(0, 5), onEnd }));
  expect(onEnd).toHaveBeenCalled();
  again(table({ rows: [], empty: <p>Nothing has run yet</p> }));
  expect(screen.getByText("Nothing has run yet")).toBeTruthy();
});
