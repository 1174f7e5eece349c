/** The configuration of a destination: the form, with sample payloads beside it. */
import { SegmentedControl, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { type ComponentProps, memo, type ReactNode, useCallback, useMemo, useRef } from "react";
import { queries } from "@/api/queries";
import type { Column, DestinationValue, Preview, Problem } from "@/api/types";
import { Failed, Loading, Panel } from "@/parts";
import { t } from "@/texts/pages/destinations";
import { DeliveryForm } from "./form/DeliveryForm";
import classes from "./style.module.css";
import { FileForm } from "./form/FileForm";
import { Findings } from "./form/Findings";
import { ManualForm } from "./form/ManualForm";
import { destinationQueries } from "./queries";
import { SamplePanel } from "./form/SamplePanel";
import { TemplateForm } from "./form/TemplateForm";
import { asManual, asTemplate, recordTemplate, type Dialect, mappedColumns, tidy } from "./value";

const NONE: never[] = [];
const NO_COLUMNS: Column[] = [];

interface Props {
  name: string;
  /** Null: the name cannot be changed. */
  onName: ((name: string) => void) | null;
  value: DestinationValue;
  onChange: (value: DestinationValue) => void;
  /** The problems of the last save. */
  refused?: Problem[];
  /** Shown below the form: the schedule. */
  children?: ReactNode;
}

export function Configure({ name, onName, value, onChange, refused = NONE, children }: Props) {
  const templates = useQuery(queries.templates());
  const samples = useQuery(queries.samples(value.dataset, 20));
  const credential = useQuery(queries.one("credentials", value.credential));
  const isFile = credential.data?.value.connector === "file";
  const manual = value.request !== undefined;
  const form = useMemo(() => ({ manual, isFile }), [manual, isFile]);
  const dialect: Dialect = credential.data?.state.dialect ?? "flat";
  const columns = samples.data?.columns ?? NO_COLUMNS;
  const ready = isFile ? Boolean(value.path) : manual || value.template !== undefined;
  const canPreview = ready && value.request?.url.trim() !== ""; // without a URL there are no samples
  const current = useMemo(() => tidy(value), [value]);
  const mappedText = JSON.stringify(mappedColumns(value)); // text, so that the list changes only with the mapping
  const mapped = useMemo(() => JSON.parse(mappedText) as string[], [mappedText]);
  const latest = useRef({ value, onChange });
  latest.current = { value, onChange };
  const set = useCallback((change: Record<string, unknown>) => latest.current.onChange({ ...latest.current.value, ...change }), []);
  const { data: known } = templates;
  const choose = useCallback(
    (way: string) => {
      const { value: old, onChange: put } = latest.current;
      const first = known?.[0];
      if (way === "manual") put(asManual(old));
      else if (first) put({ ...asTemplate(old, first, columns), template: undefined as never, fields: undefined as never });
    },
    [known, columns],
  );
  if (templates.data === undefined || (samples.isPending && !samples.isError)) return <Loading height={480} />;
  const template = templates.data.find((one) => one.name === value.template);
  const onlyManual = credential.data?.value.connector === "http";
  return (
    <div className={classes.configure}>
      <div className={classes.form}>
        {samples.isError && <Failed error={samples.error} retry={() => void samples.refetch()} />}
        <Panel>
          {onName && <TextInput label={t.configure.name} value={name} onChange={(event) => onName(event.currentTarget.value)} />}
          {!onlyManual && !isFile && <Ways manual={manual} choose={choose} />}
          {canPreview && <Checked name={name} value={current} />}
        </Panel>
        {isFile ? (
          <FileSettings name={name} current={current} ready={ready} saved={refused} value={value} set={set} columns={columns} />
        ) : manual ? (
          <ManualSettings name={name} current={current} canPreview={canPreview} value={value} onChange={onChange} columns={columns} saved={refused} />
        ) : (
          <TemplateSettings name={name} current={current} ready={ready} saved={refused} value={value} onChange={onChange} templates={templates.data} columns={columns} dialect={dialect} />
        )}
        {ready && !isFile && <Delivery mapped={mapped} canPreview={canPreview} current={current} saved={refused} name={name} value={value} set={set} columns={columns} rows={samples.data?.rows ?? NONE} template={template} records={recordTemplate(template, value.object, templates.data)} dialect={dialect} />}
        {ready && children}
      </div>
      <Samples name={name} value={current} ready={canPreview} form={form} />
    </div>
  );
}

const Ways = memo(function Ways({ manual, choose }: { manual: boolean; choose: (way: string) => void }) {
  return (
    <SegmentedControl
      aria-label={t.steps.configure}
      value={manual ? "manual" : "template"}
      onChange={choose}
      data={[
        { value: "template", label: t.configure.template },
        { value: "manual", label: t.configure.manual },
      ]}
    />
  );
});

// Each of these waits for a pause in typing and renders only its own part of the form.

/** Passes the first change on at once, and later ones after a pause in typing. */
const usePaused = (value: DestinationValue): DestinationValue => useDebouncedValue(value, 60, { leading: true })[0];

const Samples = memo(function Samples({ value, ...shown }: ComponentProps<typeof SamplePanel>) {
  return <SamplePanel {...shown} value={usePaused(value)} />;
});

const Checked = memo(function Checked({ name, value }: { name: string; value: DestinationValue }) {
  const [settled] = useDebouncedValue(value, 600);
  return <Findings name={name} value={settled} ready />;
});

const errorsOf = (preview: Preview): Problem[] => preview.errors ?? NONE;
/** The problems from the samples and the last save, for the fields of the form. */
function useErrors(name: string, current: DestinationValue, ready: boolean, saved: Problem[]): Problem[] {
  const { data = NONE } = useQuery({ ...destinationQueries.preview(name, usePaused(current), ready), select: errorsOf });
  return useMemo(() => [...(ready ? data : NONE), ...saved], [data, ready, saved]);
}

interface Marked {
  /** The settings that the samples are requested with. */
  current: DestinationValue;
  /** Whether the settings are complete enough for samples. */
  canPreview?: boolean;
  saved: Problem[];
}
interface ManualProps extends Marked, Pick<Props, "name" | "value" | "onChange"> {
  columns: Column[];
}
function ManualSettings({ name, current, saved, canPreview = true, ...form }: ManualProps) {
  const preview = useQuery(destinationQueries.preview(name, usePaused(current), canPreview));
  return <ManualForm {...form} problems={useErrors(name, current, canPreview, saved)} refused={preview.data?.refused ?? NONE} />;
}

function TemplateSettings({ name, current, ready, saved, ...form }: Marked & { name: string; ready: boolean } & Omit<ComponentProps<typeof TemplateForm>, "problems">) {
  return <TemplateForm {...form} problems={useErrors(name, current, ready, saved)} />;
}

function FileSettings({ name, current, ready, saved, ...form }: Marked & { name: string; ready: boolean } & Omit<ComponentProps<typeof FileForm>, "problems">) {
  return <FileForm {...form} problems={useErrors(name, current, ready, saved)} />;
}

function Delivery({ current, saved, canPreview = true, ...form }: Marked & Omit<ComponentProps<typeof DeliveryForm>, "problems">) {
  return <DeliveryForm {...form} problems={useErrors(form.name, current, canPreview, saved)} />;
}
