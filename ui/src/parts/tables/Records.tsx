/** Records as a table. Only the rows and columns in view are rendered. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useRef } from "react";
import type { Column } from "@/api/types";
import { t } from "@/texts/shell";
import classes from "./DataTable.module.css";
import { cellText } from "../values/format";

interface Props {
  label: string;
  columns: Column[];
  rows: Record<string, unknown>[];
  /** Maximum height in px. */
  height?: number;
  /** Whether the type is shown below each column name. */
  types?: boolean;
}
const ROW = 32;
const HEAD = 46;
const WIDTH = 168;
const NUMBERS = new Set(["integer", "number"]);

export function Records({ label, columns, rows, height = 420, types = true }: Props) {
  const scroll = useRef<HTMLDivElement>(null);
  const down = useVirtualizer({ count: rows.length, getScrollElement: () => scroll.current, estimateSize: () => ROW, overscan: 10 });
  const across = useVirtualizer({ horizontal: true, count: columns.length, getScrollElement: () => scroll.current, estimateSize: () => WIDTH, overscan: 3 });
  const shown = across.getVirtualItems();
  const lines = down.getVirtualItems();
  const left = shown[0]?.start ?? 0;
  const right = across.getTotalSize() - (shown.at(-1)?.end ?? 0);
  const above = lines[0]?.start ?? 0;
  const below = down.getTotalSize() - (lines.at(-1)?.end ?? 0);
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const steps: Record<string, [number, number]> = { ArrowRight: [WIDTH, 0], ArrowLeft: [-WIDTH, 0], ArrowDown: [0, ROW], ArrowUp: [0, -ROW] };
    const step = steps[event.key];
    if (step === undefined) return;
    scroll.current?.scrollBy({ left: step[0], top: step[1] });
    event.preventDefault();
  };
  const edge = (width: number, key: string, Cell: "td" | "th" = "td") => (width > 0 ? <Cell key={key} aria-hidden style={{ padding: 0 }} /> : null);
  return (
    // a scrolling region must be reachable by keyboard
    <div ref={scroll} className={classes.scroll} role="region" aria-label={label} tabIndex={0} onKeyDown={onKeyDown} style={{ height: Math.min(height, rows.length * ROW + HEAD + 16), minHeight: HEAD + ROW }}>
      <table className={classes.table} aria-label={label} aria-rowcount={rows.length + 1} aria-colcount={columns.length} style={{ width: Math.max(across.getTotalSize(), 0), minWidth: 0 }}>
        <colgroup>
          {left > 0 && <col style={{ width: left }} />}
          {shown.map((item) => (
            <col key={item.key} style={{ width: WIDTH }} />
          ))}
          {right > 0 && <col style={{ width: right }} />}
        </colgroup>
        <thead>
          <tr>
            {edge(left, "left", "td")}
            {shown.map((item) => {
              const column = columns[item.index];
              return column === undefined ? null : (
                <th key={item.key} scope="col" aria-colindex={item.index + 1} className={classes.recordHead} data-align={NUMBERS.has(column.type) ? "right" : undefined} title={column.name}>
                  <span className={classes.recordName}>{column.name}</span>
                  {types && <span className={classes.recordType}>{column.type}</span>}
                </th>
              );
            })}
            {edge(right, "right", "td")}
          </tr>
        </thead>
        <tbody>
          {above > 0 && (
            <tr aria-hidden style={{ height: above }}>
              <td colSpan={shown.length + 2} />
            </tr>
          )}
          {lines.map((line) => (
            <tr key={line.key} aria-rowindex={line.index + 2} style={{ height: ROW }}>
              {edge(left, "left")}
              {shown.map((item) => {
                const column = columns[item.index];
                const value = column === undefined ? undefined : rows[line.index]?.[column.name];
                const none = value === null || value === undefined;
                return (
                  <td key={item.key} aria-colindex={item.index + 1} data-align={column !== undefined && NUMBERS.has(column.type) ? "right" : undefined} className={none || value === "" ? "muted" : undefined} title={none ? undefined : cellText(value)}>
                    {value === "" ? t.table.blank : cellText(value)}
                  </td>
                );
              })}
              {edge(right, "right")}
            </tr>
          ))}
          {below > 0 && (
            <tr aria-hidden style={{ height: below }}>
              <td colSpan={shown.length + 2} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}
