/** The configuration of one destination: the form at the left, its sample payloads at the right, always. */
import { SegmentedControl, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { memo, type ReactNode, useCallback, useMemo, useRef } from "react";
import { queries } from "@/api/queries";
import type { Column, DestinationValue } from "@/api/types";
import { Failed, Loading, Panel } from "@/parts";
import { t } from "@/texts/destinations";
import { DeliveryForm } from "./DeliveryForm";
import classes from "./Destinations.module.css";
import { Findings } from "./Findings";
import { ManualForm } from "./ManualForm";
import { asked } from "./queries";
import { SamplePanel } from "./SamplePanel";
import { TemplateForm } from "./TemplateForm";
import { asManual, asTemplate, type Dialect, tidy } from "./value";

const NONE: never[] = [];
const NO_COLUMNS: Column[] = [];

interface Props {
  name: string;
  /** Null: the name stands. */
  onName: ((name: string) => void) | null;
  value: DestinationValue;
  onChange: (value: DestinationValue) => void;
  /** What stands below the form: when it runs. */
  children?: ReactNode;
}

export function Configure({ name, onName, value, onChange, children }: Props) {
  const templates = useQuery(queries.templates());
  const samples = useQuery(queries.samples(value.dataset, 20));
  const credential = useQuery(queries.one("credentials", value.credential));
  const dialect: Dialect = credential.data?.state.dialect ?? "flat";
  const columns = samples.data?.columns ?? NO_COLUMNS;
  const manual = value.request !== undefined;
  const ready = manual || value.template !== undefined;
  const current = useMemo(() => tidy(value), [value]);
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
          {!onlyManual && <Ways manual={manual} choose={choose} />}
          {ready && <Checked name={name} value={current} />}
        </Panel>
        {manual ? (
          <ByHand name={name} current={current} value={value} onChange={onChange} columns={columns} />
        ) : (
          <TemplateForm value={value} onChange={onChange} templates={templates.data} columns={columns} dialect={dialect} />
        )}
        {ready && <DeliveryForm name={name} value={value} set={set} columns={columns} rows={samples.data?.rows ?? NONE} template={template} dialect={dialect} />}
        {ready && children}
      </div>
      <Samples name={name} value={current} ready={ready} />
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

// Each of these waits by itself for a pause in the typing: what comes then draws its own part anew, never the whole form.

/** The first key is answered at once, the ones that follow it closely together. */
const usePaused = (value: DestinationValue): DestinationValue => useDebouncedValue(value, 60, { leading: true })[0];

const Samples = memo(function Samples({ name, value, ready }: { name: string; value: DestinationValue; ready: boolean }) {
  return <SamplePanel name={name} value={usePaused(value)} ready={ready} />;
});

const Checked = memo(function Checked({ name, value }: { name: string; value: DestinationValue }) {
  const [calm] = useDebouncedValue(value, 600);
  return <Findings name={name} value={calm} ready />;
});

interface ByHandProps extends Pick<Props, "name" | "value" | "onChange"> {
  current: DestinationValue;
  columns: Column[];
}
/** The form by hand, with what the samples found wrong at its place. */
function ByHand({ name, current, value, onChange, columns }: ByHandProps) {
  const preview = useQuery(asked.preview(name, usePaused(current), true));
  return <ManualForm value={value} onChange={onChange} columns={columns} problems={preview.data?.errors ?? NONE} refused={preview.data?.refused ?? NONE} />;
}
