/** A form for a schedule, in words or cron fields, with the next runs. */
import { SegmentedControl, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import type { ScheduleTimes } from "@/api/types";
import { NumberField, Problems, Time } from "@/parts";
import { t } from "@/texts/pages/flows";
import form from "../style.module.css";
import { asKind, clockOf, clockText, type Cron, cronOf, cronText, everyOf, everyText, HERE, kindOf, KINDS, type Preset, type Scheduled, type ScheduleKind, type Unit } from "./schedule";

const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];

const askedTimes = (schedule: string | undefined, timezone: string | undefined) =>
  queryOptions({
    queryKey: ["flows", "times", schedule, timezone],
    queryFn: ({ signal }) => api.get<ScheduleTimes>("/schedules/next", { query: { schedule, timezone }, signal }),
    enabled: schedule !== undefined,
    staleTime: 60_000,
  });

interface Props<V> {
  value: V;
  onChange: (value: V) => void;
  /** The kinds that the user can choose. */
  kinds?: readonly ScheduleKind[];
}
export function ScheduleForm<V extends Scheduled>({ value, onChange, kinds = KINDS }: Props<V>) {
  const kind = kindOf(value.schedule);
  const schedule = value.schedule ?? "";
  const say = (text: string) => onChange({ ...value, schedule: text });
  return (
    <div className={form.form}>
      <SegmentedControl
        aria-label={t.form.schedule}
        value={kind}
        onChange={(to) => onChange(asKind(value, to as ScheduleKind, HERE))}
        data={kinds.map((one) => ({ value: one, label: t.form.kinds[one] ?? one }))}
        style={{ alignSelf: "flex-start" }}
      />
      {kind === "hand" && <p className={form.hint}>{t.form.handHint}</p>}
      {kind === "data" && <p className={form.hint}>{t.form.dataHint}</p>}
      {kind === "every" && <EveryForm text={schedule} say={say} />}
      {kind === "cron" && <CronForm text={schedule} say={say} zone={value.timezone ?? "UTC"} setZone={(timezone) => onChange({ ...value, timezone })} />}
      {(kind === "cron" || kind === "every") && (
        <>
          <NextTimes value={value} />
          <Select
            label={t.form.catchUp}
            w={300}
            data={Object.entries(t.form.catchUps).map(([one, label]) => ({ value: one, label }))}
            value={typeof value.catch_up === "string" ? value.catch_up : "latest"}
            allowDeselect={false}
            onChange={(input) => input && onChange({ ...value, catch_up: input })}
          />
        </>
      )}
    </div>
  );
}

function EveryForm({ text, say }: { text: string; say: (text: string) => void }) {
  const { n, unit } = everyOf(text);
  return (
    <div className={form.line}>
      <NumberField label={t.form.every} w={110} min={1} allowDecimal={false} value={n} onChange={(input) => input !== null && say(everyText(input, unit))} />
      <Select label={t.form.unit} w={130} data={Object.entries(t.form.units).map(([one, label]) => ({ value: one, label }))} value={unit} allowDeselect={false} onChange={(input) => input && say(everyText(n, input as Unit))} />
    </div>
  );
}

interface CronProps {
  text: string;
  say: (text: string) => void;
  zone: string;
  setZone: (zone: string) => void;
}
function CronForm({ text, say, zone, setZone }: CronProps) {
  const read = cronOf(text);
  const [byFields, setByFields] = useState(false); // the user chose cron fields although a preset fits
  const cron: Cron = byFields ? { ...read, preset: "custom" } : read;
  const set = (change: Partial<Cron>) => say(cronText({ ...cron, ...change }, text));
  const { preset } = cron;
  const choose = (input: Preset) => {
    setByFields(input === "custom");
    if (input !== "custom") say(cronText({ ...read, preset: input }, text));
  };
  return (
    <>
      <div className={form.line}>
        <Select label={t.form.preset} w={200} data={Object.entries(t.form.presets).map(([one, label]) => ({ value: one, label }))} value={preset} allowDeselect={false} onChange={(input) => input && choose(input as Preset)} />
        {preset === "weekly" && <Select label={t.form.weekday} w={140} data={t.form.weekdays.map((label, day) => ({ value: String(day), label }))} value={String(cron.weekday)} allowDeselect={false} onChange={(input) => input && set({ weekday: Number(input) })} />}
        {preset === "monthly" && <NumberField label={t.form.day} w={90} min={1} max={31} allowDecimal={false} value={cron.day} onChange={(input) => input !== null && set({ day: input })} />}
        {preset === "hourly" && <NumberField label={t.form.minute} w={100} min={0} max={59} allowDecimal={false} value={cron.minute} onChange={(input) => input !== null && set({ minute: input })} />}
        {preset !== "hourly" && preset !== "custom" && (
          <TextInput
            type="time"
            label={t.form.time}
            w={120}
            value={clockText(cron)}
            onChange={(event) => {
              const clock = clockOf(event.currentTarget.value);
              if (clock !== null) set(clock);
            }}
          />
        )}
        <Select label={t.form.zone} w={220} data={ZONES.includes(zone) ? ZONES : [zone, ...ZONES]} value={zone} searchable limit={60} allowDeselect={false} onChange={(input) => input && setZone(input)} />
      </div>
      <TextInput label={t.form.cron} description={t.form.cronHint} w={300} value={text} spellCheck={false} styles={{ input: { fontFamily: "var(--p-mono)" } }} onChange={(event) => say(event.currentTarget.value)} />
    </>
  );
}

function NextTimes({ value }: { value: Scheduled }) {
  const [schedule] = useDebouncedValue(value.schedule, 250);
  const query = useQuery(askedTimes(schedule?.trim(), kindOf(schedule) === "cron" ? value.timezone : undefined));
  const zone = value.timezone ?? "UTC";
  const errors = query.data?.errors ?? [];
  return (
    <div role="status" style={{ minHeight: 76 }}>
      <p className={form.label}>{t.form.next}</p>
      {errors.length > 0 && <Problems problems={errors} />}
      {query.data && errors.length === 0 && (
        <ul className={form.times}>
          {query.data.times.map((at) => (
            <li key={at}>
              <Time at={at} relative={false} />
              {kindOf(schedule) === "cron" && zone !== HERE && <span className="muted"> · {t.form.inZone(zone)}: {inZone(at, zone)}</span>}
            </li>
          ))}
        </ul>
      )}
      {query.data === undefined && <p className={form.hint}>{t.form.noNext}</p>}
    </div>
  );
}

function inZone(at: string, zone: string): string {
  try {
    return new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit", timeZone: zone }).format(new Date(at));
  } catch {
    return zone; // a time zone that this browser does not support
  }
}
