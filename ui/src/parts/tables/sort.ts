export interface Sort {
  id: string;
  down: boolean;
}
interface Sortable<T> {
  id: string;
  by?: (row: T) => string | number | null | undefined;
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Sorts rows by a column. Rows without a value are last in both directions; equal rows keep their order. */
export function sorted<T>(rows: T[], columns: Sortable<T>[], sort: Sort | null): T[] {
  const by = columns.find((column) => column.id === sort?.id)?.by;
  if (sort === null || by === undefined) return rows;
  const sign = sort.down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    const [noX, noY] = [x === null || x === undefined, y === null || y === undefined];
    if (noX || noY) return Number(noX) - Number(noY);
    return sign * (typeof x === "number" && typeof y === "number" ? x - y : collator.compare(String(x), String(y)));
  });
}
