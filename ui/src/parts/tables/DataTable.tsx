/** A sortable table with keyboard navigation. Only the rows in view are rendered, for lists of ten thousand rows. */
import { UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, type MouseEvent, type PointerEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { t } from "@/texts/shell";
import classes from "./DataTable.module.css";
import { type Sort, sorted } from "./sort";

export interface Col<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** The value to sort by; without it the column cannot be sorted. */
  by?: (row: T) => string | number | null | undefined;
  /** In px; columns without a width share the rest. */
  width?: number;
  align?: "right";
}
interface Props<T> {
  label: string;
  rows: T[];
  columns: Col<T>[];
  rowKey: (row: T) => string;
  /** Called on Enter and on a click on the row. */
  onOpen?: ((row: T) => void) | undefined;
  /** The key of the row that is shown beside the table. */
  openKey?: string | null | undefined;
  /** Called near the end, to load more rows. */
  onEnd?: (() => void) | undefined;
  sort?: Sort | null;
  onSort?: (sort: Sort | null) => void;
  rowHeight?: number;
  /** In px; by default it fills the available space. */
  height?: number;
  empty?: ReactNode;
  minWidth?: number;
}

export function DataTable<T>(props: Props<T>) {
  const { rows, columns, rowKey, onOpen, onEnd, rowHeight = 38, label } = props;
  const [ownSort, setOwnSort] = useState<Sort | null>(null);
  const sort = props.sort === undefined ? ownSort : props.sort;
  const setSort = props.onSort ?? setOwnSort;
  const shown = useMemo(() => sorted(rows, columns, sort), [rows, columns, sort]);
  const scroll = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState(0);
  const virtual = useVirtualizer({ count: shown.length, getScrollElement: () => scroll.current, estimateSize: () => rowHeight, overscan: 8 });
  const items = virtual.getVirtualItems();
  const last = items[items.length - 1]?.index ?? 0;
  useEffect(() => {
    if (onEnd && shown.length > 0 && last >= shown.length - 20) onEnd();
  }, [last, shown.length, onEnd]);

  // a distant row is rendered some frames later
  const focusRow = (index: number, frames = 20) =>
    requestAnimationFrame(() => {
      const row = scroll.current?.querySelector<HTMLElement>(`[data-index="${index}"]`);
      if (row) row.focus();
      else if (frames > 0) focusRow(index, frames - 1);
    });
  const go = (index: number) => {
    const to = Math.max(0, Math.min(shown.length - 1, index));
    setFocused(to);
    virtual.scrollToIndex(to);
    focusRow(to);
  };
  const onKeyDown = (event: KeyboardEvent, index: number) => {
    if (event.target !== event.currentTarget) return; // a link or button within the row
    const steps: Record<string, number> = { ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + 15, PageUp: index - 15, Home: 0, End: shown.length - 1 };
    const to = steps[event.key];
    const row = shown[index];
    if (to !== undefined) go(to);
    else if (event.key === "Enter" && onOpen && row !== undefined) onOpen(row);
    else return;
    event.preventDefault();
  };
  const onClick = (event: MouseEvent, index: number) => {
    const target = event.target as HTMLElement;
    const row = shown[index];
    if (row === undefined || target.closest("a,button,input,label,[role=menuitem]") || window.getSelection()?.toString()) return;
    onOpen?.(row);
  };
  // stable handlers, so that unchanged rows are not rendered again while the table scrolls
  const latest = useRef({ onKeyDown, onClick });
  latest.current = { onKeyDown, onClick };
  const on = useMemo<RowHandlers>(
    () => ({
      key: (event, index) => latest.current.onKeyDown(event, index),
      click: (event, index) => latest.current.onClick(event, index),
      focus: setFocused,
    }),
    [],
  );

  if (rows.length === 0 && props.empty !== undefined) return props.empty;
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items[items.length - 1]?.end ?? 0);
  return (
    <div ref={scroll} className={classes.scroll} data-fill={props.height === undefined} style={props.height === undefined ? { minHeight: Math.min(120, shown.length * rowHeight + 38) } : { height: Math.min(props.height, shown.length * rowHeight + 38) }}>
      <table className={classes.table} aria-label={label} aria-rowcount={shown.length + 1} style={{ minWidth: props.minWidth }}>
        <colgroup>
          {columns.map((column) => (
            <col key={column.id} style={column.width === undefined ? undefined : { width: column.width }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.id} column={column} sort={sort} onSort={setSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && (
            <tr aria-hidden style={{ height: before }}>
              <td colSpan={columns.length} />
            </tr>
          )}
          {items.map((item) => {
            const row = shown[item.index] as T;
            const key = rowKey(row);
            return (
              <Row
                key={key}
                row={row}
                index={item.index}
                columns={columns}
                open={props.openKey === key}
                tabbed={item.index === Math.min(focused, shown.length - 1)}
                height={rowHeight}
                on={on}
                opens={onOpen !== undefined}
              />
            );
          })}
          {after > 0 && (
            <tr aria-hidden style={{ height: after }}>
              <td colSpan={columns.length} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

interface RowHandlers {
  key: (event: KeyboardEvent, index: number) => void;
  click: (event: MouseEvent, index: number) => void;
  focus: (index: number) => void;
}
interface RowProps<T> {
  row: T;
  index: number;
  columns: Col<T>[];
  open: boolean;
  opens: boolean;
  tabbed: boolean;
  height: number;
  on: RowHandlers;
}
function PlainRow<T>({ row, index, columns, open, opens, tabbed, height, on }: RowProps<T>) {
  return (
    <tr
      data-index={index}
      data-open={open || undefined}
      data-opens={opens || undefined}
      aria-rowindex={index + 2}
      tabIndex={tabbed ? 0 : -1}
      onFocus={() => on.focus(index)}
      onKeyDown={(event) => on.key(event, index)}
      onClick={(event) => on.click(event, index)}
      onPointerOver={showWholeText}
      style={{ height }}
    >
      {columns.map((column) => (
        <td key={column.id} data-align={column.align}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  );
}
const Row = memo(PlainRow) as typeof PlainRow;

/** Shows the whole text of a truncated cell on hover. */
function showWholeText(event: PointerEvent) {
  const cell = (event.target as HTMLElement).closest("td");
  if (cell === null) return;
  if (cell.scrollWidth > cell.clientWidth) cell.title = cell.innerText;
  else cell.removeAttribute("title");
}

function Head<T>({ column, sort, onSort }: { column: Col<T>; sort: Sort | null; onSort: (sort: Sort | null) => void }) {
  const mine = sort?.id === column.id ? sort : null;
  const next: Sort | null = mine === null ? { id: column.id, down: false } : mine.down ? null : { id: column.id, down: true };
  return (
    <th scope="col" data-align={column.align} aria-sort={mine === null ? undefined : mine.down ? "descending" : "ascending"}>
      {column.by === undefined ? (
        column.header
      ) : (
        <UnstyledButton className={classes.sort} onClick={() => onSort(next)} title={t.table.sort(column.header)}>
          {column.header}
          {mine !== null && (mine.down ? <IconArrowDown size={12} aria-hidden /> : <IconArrowUp size={12} aria-hidden />)}
        </UnstyledButton>
      )}
    </th>
  );
}
