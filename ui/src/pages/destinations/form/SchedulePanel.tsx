/** The schedule of a new destination: manual, with an existing flow, or its own. */
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { memo } from "react";
import { api, at } from "@/api/client";
import { everything, queries } from "@/api/queries";
import type { Destination, Flow } from "@/api/types";
import { Panel } from "@/parts";
import { t } from "@/texts/pages/destinations";
import classes from "../style.module.css";
import type { Plan } from "./draft";
import { freeName } from "@/resources/names";
import { ScheduleForm } from "@/resources/schedules/Form";
import { asKind, HERE, inWords, type ScheduleKind } from "@/resources/schedules/schedule";

const KINDS: readonly ScheduleKind[] = ["every", "cron", "data"];

export const When = memo(function When({ when, onChange }: { when: Plan | undefined; onChange: (when: Plan | undefined) => void }) {
  const flows = useQuery(queries.kind("flows"));
  const way = when === undefined ? "hand" : when.flow === null ? "own" : `flow:${when.flow}`;
  return (
    <Panel title={t.when.title}>
      <Select
        label={t.when.by}
        description={t.when.hint}
        data={[
          { value: "hand", label: t.when.hand },
          { value: "own", label: t.when.own },
          ...(flows.data ?? []).map((flow) => ({ value: `flow:${flow.name}`, label: t.when.flow(flow.name, flow.value.schedule && inWords(flow.value.schedule)) })),
        ]}
        value={way}
        allowDeselect={false}
        onChange={(input) => {
          if (input === "hand") onChange(undefined);
          else if (input === "own") onChange(asKind({ flow: null }, "cron", HERE));
          else if (input !== null) onChange({ flow: input.slice("flow:".length) });
        }}
      />
      {when?.flow === null && <ScheduleForm value={when} onChange={onChange} kinds={KINDS} />}
    </Panel>
  );
});

/** Adds the saved destination to a flow, or creates one; returns the flow's name. */
export async function runWhen(when: Plan | undefined, destination: string): Promise<string | null> {
  if (when === undefined) return null;
  if (when.flow === null) {
    // a flow must not have the name of a destination
    const taken = [...(await everything<Flow>("/flows")), ...(await everything<Destination>("/destinations"))].map((one) => one.name);
    const name = freeName(`${destination}-schedule`, taken);
    const { flow: _, ...times } = when;
    await api.post("/flows", { name, value: { ...times, destinations: [destination] } });
    return name;
  }
  const { value, etag } = await api.get<Flow>(at`/flows/${when.flow}`);
  await api.patch(at`/flows/${when.flow}`, { destinations: [...value.destinations, destination] }, { etag });
  return when.flow;
}

/** The flows of a saved destination. */
export const RunsWith = memo(function RunsWith({ name }: { name: string }) {
  const flows = useQuery(queries.kind("flows"));
  const mine = (flows.data ?? []).filter((flow) => flow.value.destinations.includes(name));
  return (
    <Panel title={t.when.title}>
      {mine.length === 0 ? (
        <p className={classes.hint}>
          {t.when.none} <Link to="/flows">{t.when.toFlows}</Link>
        </p>
      ) : (
        <ul className={classes.plain}>
          {mine.map((flow) => (
            <li key={flow.name}>
              <Link to="/flows/$name" params={{ name: flow.name }}>
                {flow.name}
              </Link>{" "}
              <span className="muted">{flow.value.schedule && inWords(flow.value.schedule)}</span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
});
