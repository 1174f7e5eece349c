/** Formats numbers, sizes, times and keys for people. */
import type { RecordKey } from "@/api/types";
import { t } from "@/texts/shell";

const plain = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "long" });

export const number = (value: number): string => plain.format(value);
export const compact = (value: number): string => (Math.abs(value) < 10_000 ? plain.format(value) : short.format(value));
export const percent = (share: number): string => `${plain.format(Math.round(share * 1000) / 10)} %`;

export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** 0.42 → "420 ms", 75 → "1 min 15 s". */
export function duration(seconds: number): string {
  if (seconds === 0) return "0 s";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return joined(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 86_400) return joined(Math.floor(whole / 3600), "h", Math.round((whole % 3600) / 60), "min");
  return joined(Math.floor(whole / 86_400), "d", Math.round((whole % 86_400) / 3600), "h");
}

function joined(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}

/** "1 record", "3 records". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${number(n)} ${n === 1 ? one : many}`;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** "3 minutes ago", "in 2 hours", "just now". */
export function ago(at: Date, now: Date): string {
  const seconds = (at.getTime() - now.getTime()) / 1000;
  for (const [unit, size] of STEPS) if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  return Math.abs(seconds) < 10 ? t.time.now : relative.format(Math.trunc(seconds), "second");
}

const inZone = new Map<string | undefined, Intl.DateTimeFormat>(); // creating a format is slow

/** "25 Nov 2026, 16:04:09" in the user's time zone. */
export function moment(at: Date, zone?: string): string {
  let format = inZone.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", ...(zone && { timeZone: zone }) });
    inZone.set(zone, format);
  }
  return format.format(at);
}

export const utc = (at: Date): string => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;

export function keyText(key: RecordKey): string {
  if (key === null) return t.table.noKey;
  return Array.isArray(key) ? key.join(" · ") : key;
}

/** A value as a table cell shows it. The cell's style distinguishes null from the text "null". */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string") return value;
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** JSON text indented by two spaces; other text unchanged. Numbers are not parsed: 1e400 and 2^60 stay as written. */
export function pretty(text: string | null): string {
  if (text === null) return "";
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let made = "";
  let depth = 0;
  for (const token of text.match(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g) ?? []) {
    const closes = token === "]" || token === "}";
    if (closes) depth -= 1;
    const opened = made.endsWith("[") || made.endsWith("{");
    if ((opened && !closes) || (closes && !opened) || made.endsWith(",")) made += `\n${"  ".repeat(depth)}`;
    made += token === ":" ? ": " : token;
    if (token === "[" || token === "{") depth += 1;
  }
  return made;
}
