/** A schedule as the form edits it. The stored text is `0 2 * * *`, `every 15m` or `on new data`. Pure. */
import { t } from "@/texts/pages/flows";

export type ScheduleKind = "hand" | "every" | "cron" | "data";
export const KINDS: readonly ScheduleKind[] = ["hand", "every", "cron", "data"];
/** The user's time zone. */
export const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
export type Unit = "s" | "m" | "h" | "d";
export type Preset = "hourly" | "daily" | "weekdays" | "weekly" | "monthly" | "custom";

export function kindOf(text: string | undefined): ScheduleKind {
  if (text === undefined) return "hand";
  const words = text.trim().toLowerCase();
  if (words === "on new data") return "data";
  return words.startsWith("every") ? "every" : "cron";
}

export function everyOf(text: string): { n: number; unit: Unit } {
  const found = /(\d+)\s*([smhd])/i.exec(text);
  return found ? { n: Number(found[1]), unit: (found[2] as string).toLowerCase() as Unit } : { n: 15, unit: "m" };
}
export const everyText = (n: number, unit: Unit): string => `every ${n}${unit}`;

export interface Cron {
  preset: Preset;
  minute: number;
  hour: number;
  /** 0 is Sunday. */
  weekday: number;
  day: number;
}
const whole = (field: string | undefined, least: number, most: number): number | null => {
  if (field === undefined || !/^\d{1,2}$/.test(field)) return null;
  const n = Number(field);
  return n >= least && n <= most ? n : null;
};

/** Reads five cron fields as a preset, or `custom` when no preset fits. */
export function cronOf(text: string): Cron {
  const [m, h, d, month, w] = text.trim().split(/\s+/);
  const minute = whole(m, 0, 59);
  const hour = whole(h, 0, 23);
  const day = whole(d, 1, 31);
  const weekday = whole(w, 0, 7);
  const at = { minute: minute ?? 0, hour: hour ?? 2, weekday: (weekday ?? 1) % 7, day: day ?? 1 };
  const is = (preset: Preset): Cron => ({ preset, ...at });
  if (text.trim().split(/\s+/).length !== 5 || minute === null || month !== "*") return is("custom");
  if (h === "*" && d === "*" && w === "*") return is("hourly");
  if (hour === null) return is("custom");
  if (d === "*" && w === "*") return is("daily");
  if (d === "*" && (w === "1-5" || w?.toLowerCase() === "mon-fri")) return is("weekdays");
  if (d === "*" && weekday !== null) return is("weekly");
  return day !== null && w === "*" ? is("monthly") : is("custom");
}
export function cronText({ preset, minute, hour, weekday, day }: Cron, otherwise: string): string {
  const texts: Record<Preset, string> = {
    hourly: `${minute} * * * *`,
    daily: `${minute} ${hour} * * *`,
    weekdays: `${minute} ${hour} * * 1-5`,
    weekly: `${minute} ${hour} * * ${weekday}`,
    monthly: `${minute} ${hour} ${day} * *`,
    custom: otherwise,
  };
  return texts[preset];
}
/** A schedule in words, or the text itself when no preset fits. */
export function inWords(text: string): string {
  if (kindOf(text) !== "cron") return text;
  const cron = cronOf(text);
  const { presets, weekdays, dayOf, minuteOf } = t.form;
  if (cron.preset === "custom") return text;
  const more: string[] = [];
  if (cron.preset === "weekly") more.push(weekdays[cron.weekday] ?? "");
  if (cron.preset === "monthly") more.push(dayOf(cron.day));
  more.push(cron.preset === "hourly" ? minuteOf(cron.minute) : clockText(cron));
  return `${presets[cron.preset]}, ${more.join(" ")}`;
}
export function clockText({ hour, minute }: { hour: number; minute: number }): string {
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}
export function clockOf(text: string): { hour: number; minute: number } | null {
  const found = /^(\d{1,2}):(\d{2})/.exec(text);
  return found ? { hour: Number(found[1]), minute: Number(found[2]) } : null;
}

export interface Scheduled {
  schedule?: string;
  timezone?: string;
  catch_up?: unknown;
  [more: string]: unknown;
}
/** The value with another kind of schedule; keys that do not belong to that kind are removed. */
export function asKind<V extends Scheduled>(value: V, kind: ScheduleKind, zone: string): V {
  const { schedule, timezone, catch_up, ...others } = value;
  const kept = catch_up === undefined ? {} : { catch_up };
  if (kind === "hand") return others as unknown as V;
  if (kind === "data") return { ...others, schedule: "on new data" } as unknown as V;
  if (kind === "every") return { ...others, schedule: kindOf(schedule) === "every" ? schedule : everyText(15, "m"), ...kept } as unknown as V;
  return { ...others, schedule: kindOf(schedule) === "cron" ? schedule : "0 2 * * *", timezone: timezone ?? zone, ...kept } as unknown as V;
}

/** The list with one item moved; an item at the edge stays. */
export function moved<T>(list: T[], from: number, by: number): T[] {
  const to = from + by;
  if (to < 0 || to >= list.length) return list;
  const next = [...list];
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
}
