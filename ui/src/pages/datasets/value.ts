/** A dataset's settings as the form edits them. */
import type { Column, DatasetValue } from "@/api/types";

export type ColumnType = NonNullable<DatasetValue["types"]>[string];
export const FIRST_SQL = "select *\nfrom source";
export const keysOf = (value: DatasetValue): string[] => [value.key].flat().filter((key) => key !== "");

/** The key as it is stored: one column as a name, several as a list. */
export function withKeys(value: DatasetValue, keys: string[]): DatasetValue {
  return { ...value, key: keys.length === 1 ? (keys[0] as string) : keys };
}
export function withSql(value: DatasetValue, sql: string | undefined): DatasetValue {
  const { sql: _, ...others } = value;
  return sql === undefined ? others : { ...others, sql };
}
export function withType(value: DatasetValue, column: string, type: ColumnType | null): DatasetValue {
  const { [column]: _, ...others } = value.types ?? {};
  const types = type === null ? others : { ...others, [column]: type };
  const { types: __, ...kept } = value;
  return Object.keys(types).length === 0 ? kept : { ...kept, types };
}

const LIKELY = [/^id$/i, /^(.*[_ ])?(uu)?id$/i, /id$/i, /key$/i, /^e-?mail$/i];
/** The column that most likely identifies a record: named like one, never empty, different in each of the first records. */
export function likelyKey(columns: Column[], rows: Record<string, unknown>[]): string | null {
  const differs = columns.filter((column) => {
    const values = rows.map((row) => row[column.name]);
    if (values.some((value) => value === null || value === undefined || value === "")) return false;
    return new Set(values.map((value) => JSON.stringify(value))).size === values.length;
  });
  for (const pattern of LIKELY) {
    const found = differs.find((column) => pattern.test(column.name));
    if (found !== undefined) return found.name;
  }
  return null;
}
