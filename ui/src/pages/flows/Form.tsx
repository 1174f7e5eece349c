/** The form of a flow: destinations in order, and schedule. */
import { ActionIcon, Select } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { queries } from "@/api/queries";
import type { FlowValue } from "@/api/types";
import { Panel, Status } from "@/parts";
import form from "@/resources/style.module.css";
import { ScheduleForm } from "@/resources/schedules/Form";
import { moved } from "@/resources/schedules/schedule";
import { t } from "@/texts/pages/flows";
import classes from "./style.module.css";

interface Props {
  value: FlowValue;
  onChange: (value: FlowValue) => void;
}

export function FlowForm({ value, onChange }: Props) {
  return (
    <>
      <Order value={value} onChange={onChange} />
      <Panel title={t.form.schedule}>
        <ScheduleForm value={value} onChange={onChange} />
      </Panel>
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
