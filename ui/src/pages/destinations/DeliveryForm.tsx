/** What both ways share: other columns, exclusion, mode, batching of templates, replies. */
import { NumberInput, SegmentedControl, Select, Switch, MultiSelect, TagsInput } from "@mantine/core";
import type { Column, DestinationValue, Template } from "@/api/types";
import { Panel } from "@/parts";
import { t } from "@/texts/destinations";
import classes from "./Destinations.module.css";
import type { Dialect } from "./value";

interface Props {
  name: string;
  value: DestinationValue;
  onChange: (value: DestinationValue) => void;
  columns: Column[];
  template: Template | undefined;
  dialect: Dialect;
}

export function DeliveryForm({ name, value, onChange, columns, template, dialect }: Props) {
  const names = columns.map((column) => column.name);
  const extras = (template?.["extras"] as Record<Dialect, string> | undefined)?.[dialect];
  const attributes = value.attributes ?? "all";
  const batch = typeof value.batch === "string" ? value.batch : value.batch === undefined ? "auto" : "on";
  const modes = template?.modes ?? ["all", "new", "changed"];
  return (
    <>
      <Panel title={t.configure.extras}>
        {template && extras !== "none" && (
          <>
            <p className={classes.hint}>{t.configure.extrasHint(extras === "inline" ? "members of the payload" : (extras ?? "attributes"))}</p>
            <SegmentedControl
              aria-label={t.configure.extras}
              value={typeof attributes === "string" ? attributes : "chosen"}
              onChange={(said) => onChange({ ...value, attributes: said === "chosen" ? [] : (said as "all") })}
              data={[
                { value: "all", label: t.configure.extrasAll },
                { value: "none", label: t.configure.extrasNone },
                { value: "chosen", label: t.configure.extrasChosen },
              ]}
            />
            {Array.isArray(attributes) && (
              <MultiSelect label={t.configure.extrasColumns} data={names} value={attributes} searchable onChange={(chosen) => onChange({ ...value, attributes: chosen })} />
            )}
          </>
        )}
        <TagsInput
          label={t.configure.exclude}
          description={t.configure.excludeHint}
          data={names}
          value={value.exclude ?? []}
          clearable
          clearButtonProps={{ "aria-label": "Clear" }}
          onChange={(exclude) => onChange({ ...value, exclude })}
        />
        <SegmentedControl
          aria-label={t.configure.nulls}
          value={value.nulls ?? "omit"}
          onChange={(nulls) => onChange({ ...value, nulls: nulls as "omit" })}
          data={[
            { value: "omit", label: `${t.configure.nulls}: ${t.configure.nullsOmit}` },
            { value: "send", label: t.configure.nullsSend },
          ]}
        />
      </Panel>
      <Panel title={t.configure.delivery}>
        <Select
          label={t.configure.mode}
          data={modes.map((mode) => ({ value: mode, label: t.configure.modes[mode] ?? mode }))}
          value={value.mode ?? (template ? (modes[0] ?? null) : "all")}
          allowDeselect={false}
          onChange={(mode) => mode && onChange({ ...value, mode: mode as "changed" })}
        />
        {template && (
          <Select
            label={t.configure.batching}
            data={[
              { value: "auto", label: t.configure.batchAuto },
              { value: "on", label: t.configure.batchOn },
              { value: "off", label: t.configure.batchOff },
            ]}
            value={batch}
            allowDeselect={false}
            onChange={(said) => said && onChange({ ...value, batch: said as "auto" })}
          />
        )}
        <NumberInput
          label={t.configure.concurrency}
          min={1}
          max={200}
          value={typeof value["concurrency"] === "number" ? value["concurrency"] : 10}
          onChange={(said) => typeof said === "number" && onChange({ ...value, concurrency: said })}
        />
        <Switch
          label={t.configure.responses}
          description={t.configure.responsesHint(name)}
          checked={value.responses === true}
          onChange={(event) => onChange({ ...value, responses: event.currentTarget.checked ? true : (undefined as never) })}
        />
      </Panel>
    </>
  );
}
