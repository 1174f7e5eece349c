/** A flow: its destinations in order, and when it runs. */
import { ActionIcon, NumberInput, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { queries } from "@/api/queries";
import type { FlowValue } from "@/api/types";
import { Panel, Problems, Status, Time } from "@/parts";
import form from "@/resources/Form.module.css";
import { t } from "@/texts/flows";
import classes from "./Flows.module.css";
import { asked } from "./queries";
import { asKind, clockOf, clockText, type Cron, cronOf, cronText, everyOf, everyText, kindOf, moved, type Preset, type ScheduleKind, type Unit } from "./schedule";

interface Props {
  value: FlowValue;
  onChange: (value: FlowValue) => void;
}
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];

export function FlowForm({ value, onChange }: Props) {
  return (
    <>
      <Order value={value} onChange={onChange} />
      <ScheduleForm value={value} onChange={onChange} />
    </>
  );
}

function Order({ value, onChange }: Props) {
  const query = useQuery(queries.kind("destinations"));
  const chosen = [value.destinations].flat();
  const states = new Map((query.data ?? []).map((one) => [one.name, one.state.state]));
  const others = (query.data ?? []).map((one) => one.name).filter((name) => !chosen.includes(name));
  const set = (destinations: string[]) => onChange({ ...value, destinations });
  return (
    <Panel title={t.form.destinations}>
      <div className={form.form}>
        <p className={form.hint}>{t.form.destinationsHint}</p>
        {chosen.length > 0 && (
          <ol className={classes.order} aria-label={t.form.destinations}>
            {chosen.map((name, i) => (
              <li key={name}>
                <span className="muted num" aria-hidden>
                  {i + 1}
                </span>
                <Link to="/destinations/$name" params={{ name }} className="truncate">
                  {name}
                </Link>
                {query.data && <Status of={states.get(name) ?? "error"} {...(states.has(name) ? {} : { label: t.form.unknown })} />}
                <ActionIcon aria-label={t.form.up(name)} disabled={i === 0} onClick={() => set(moved(chosen, i, -1))}>
                  <IconArrowUp size={15} />
                </ActionIcon>
                <ActionIcon aria-label={t.form.down(name)} disabled={i === chosen.length - 1} onClick={() => set(moved(chosen, i, 1))}>
                  <IconArrowDown size={15} />
                </ActionIcon>
                <ActionIcon aria-label={t.form.remove(name)} onClick={() => set(chosen.filter((one) => one !== name))}>
                  <IconX size={15} />
                </ActionIcon>
              </li>
            ))}
          </ol>
        )}
        <Select aria-label={t.form.add} placeholder={t.form.add} data={others} value={null} searchable disabled={others.length === 0} onChange={(name) => name && set([...chosen, name])} w={300} />
      </div>
    </Panel>
  );
}

function ScheduleForm({ value, onChange }: Props) {
  const kind = kindOf(value.schedule);
  const schedule = value.schedule ?? "";
  const say = (text: string) => onChange({ ...value, schedule: text });
  return (
    <Panel title={t.form.schedule}>
      <div className={form.form}>
        <SegmentedControl
          aria-label={t.form.schedule}
          value={kind}
          onChange={(to) => onChange(asKind(value, to as ScheduleKind, HERE))}
          data={Object.entries(t.form.kinds).map(([one, label]) => ({ value: one, label }))}
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
              value={typeof value["catch_up"] === "string" ? value["catch_up"] : "latest"}
              allowDeselect={false}
              onChange={(said) => said && onChange({ ...value, catch_up: said })}
            />
          </>
        )}
      </div>
    </Panel>
  );
}

function EveryForm({ text, say }: { text: string; say: (text: string) => void }) {
  const { n, unit } = everyOf(text);
  return (
    <div className={form.line}>
      <NumberInput label={t.form.every} w={110} min={1} allowDecimal={false} value={n} onChange={(said) => typeof said === "number" && say(everyText(said, unit))} />
      <Select label={t.form.unit} w={130} data={Object.entries(t.form.units).map(([one, label]) => ({ value: one, label }))} value={unit} allowDeselect={false} onChange={(said) => said && say(everyText(n, said as Unit))} />
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
  const [byFields, setByFields] = useState(false); // although it could be said in words
  const cron: Cron = byFields ? { ...read, preset: "custom" } : read;
  const set = (change: Partial<Cron>) => say(cronText({ ...cron, ...change }, text));
  const { preset } = cron;
  const choose = (said: Preset) => {
    setByFields(said === "custom");
    if (said !== "custom") say(cronText({ ...read, preset: said }, text));
  };
  return (
    <>
      <div className={form.line}>
        <Select label={t.form.preset} w={200} data={Object.entries(t.form.presets).map(([one, label]) => ({ value: one, label }))} value={preset} allowDeselect={false} onChange={(said) => said && choose(said as Preset)} />
        {preset === "weekly" && <Select label={t.form.weekday} w={140} data={t.form.weekdays.map((label, day) => ({ value: String(day), label }))} value={String(cron.weekday)} allowDeselect={false} onChange={(said) => said && set({ weekday: Number(said) })} />}
        {preset === "monthly" && <NumberInput label={t.form.day} w={90} min={1} max={31} value={cron.day} onChange={(said) => typeof said === "number" && set({ day: said })} />}
        {preset === "hourly" && <NumberInput label={t.form.minute} w={100} min={0} max={59} value={cron.minute} onChange={(said) => typeof said === "number" && set({ minute: said })} />}
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
        <Select label={t.form.zone} w={220} data={ZONES.includes(zone) ? ZONES : [zone, ...ZONES]} value={zone} searchable limit={60} allowDeselect={false} onChange={(said) => said && setZone(said)} />
      </div>
      <TextInput label={t.form.cron} description={t.form.cronHint} w={300} value={text} spellCheck={false} styles={{ input: { fontFamily: "var(--p-mono)" } }} onChange={(event) => say(event.currentTarget.value)} />
    </>
  );
}

function NextTimes({ value }: { value: FlowValue }) {
  const [schedule] = useDebouncedValue(value.schedule, 250);
  const query = useQuery(asked.times(schedule?.trim(), kindOf(schedule) === "cron" ? value.timezone : undefined));
  const zone = value.timezone ?? "UTC";
  const errors = query.data?.errors ?? [];
  return (
    <div role="status" style={{ minHeight: 76 }}>
      <p className={form.label}>{t.form.next}</p>
      {errors.length > 0 && <Problems problems={errors} />}
      {query.data && errors.length === 0 && (
        <ul className={classes.times}>
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
    return zone; // a zone that this browser does not know
  }
}
