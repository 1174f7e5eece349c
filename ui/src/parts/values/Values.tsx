/** Numbers, times and keys. */
import { useSyncExternalStore } from "react";
import type { RecordKey } from "@/api/types";
import { t } from "@/texts/shell";
import { ago, compact, keyText, moment, number, utc } from "./format";

export function Num({ value, short = false }: { value: number; short?: boolean }) {
  return (
    <span className="num" title={short ? number(value) : undefined}>
      {short ? compact(value) : number(value)}
    </span>
  );
}

/** One clock for all relative times on the page. */
let now = Date.now();
const watching = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;
function watch(listener: () => void): () => void {
  watching.add(listener);
  ticking ??= setInterval(() => {
    now = Date.now();
    for (const listener of watching) listener();
  }, 10_000);
  return () => {
    watching.delete(listener);
    if (watching.size === 0) {
      clearInterval(ticking);
      ticking = undefined;
    }
  };
}
export const useNow = (): Date => new Date(useSyncExternalStore(watch, () => now));

/** For a time in the future that is not known yet, such as the start of a queued run. */
export const NOT_YET = t.time.notYet;

/** A time in the user's zone, with UTC on hover. `relative`: "3 minutes ago". `none` is shown when there is no time. */
export function Time({ at, relative = true, none = t.time.never }: { at: string | null | undefined; relative?: boolean; none?: string }) {
  const present = useNow();
  if (at === null || at === undefined) return <span className="muted">{none}</span>;
  const when = new Date(at);
  const text = relative ? ago(when, new Date(Math.max(present.getTime(), relative ? Math.min(when.getTime(), Date.now()) : 0))) : moment(when);
  return (
    // a title, not a tooltip component: a long list has hundreds of these
    <time dateTime={at} className="num moment" title={relative ? `${moment(when)}\n${utc(when)}` : utc(when)}>
      {text}
    </time>
  );
}

export function Key({ value }: { value: RecordKey }) {
  return <span className={value === null ? "muted" : "mono"}>{keyText(value)}</span>;
}
