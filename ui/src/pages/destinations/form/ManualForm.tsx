/** The form of a request without a template: method, URL, format, headers, batching, retries. */
import { Checkbox, Select, Switch, TextInput } from "@mantine/core";
import { useMemo } from "react";
import type { Column, DestinationValue, Grouping, Problem, RefusedRecord, RequestValue } from "@/api/types";
import { Code, type LineError, messageAt, NumberField, Panel, placed, placedOf, useFieldValidity, useRequiredText } from "@/parts";
import { t } from "@/texts/pages/destinations";
import classes from "../style.module.css";
import { LostReplyForm } from "./LostReplyForm";
import { type Macro, MacroInput } from "./MacroInput";
import { batchOf, type GroupingDraft, objectOf } from "../value";

interface Props {
  value: DestinationValue;
  onChange: (value: DestinationValue) => void;
  columns: Column[];
  problems: Problem[];
  /** Reasons of refused samples; an error of the Python code names its line. */
  refused: RefusedRecord[];
}
const METHODS = ["POST", "PUT", "PATCH", "DELETE", "GET"];
const CODE = 'def batch(records):\n    return {"batch": records}\n';

export function ManualForm({ value, onChange, columns, problems, refused }: Props) {
  const request: RequestValue = value.request ?? { method: "POST", url: "" };
  const set = (change: { [K in keyof RequestValue]?: RequestValue[K] | undefined }) => {
    const next = Object.fromEntries(Object.entries({ ...request, ...change }).filter(([, item]) => item !== undefined));
    onChange({ ...value, request: next as unknown as RequestValue });
  };
  const batch = batchOf(request);
  const url = useRequiredText(request.url, t.configure.urlMissing);
  const ofRecord: Macro[] = columns.map((column) => ({ text: `{record.${column.name}}`, about: [column.type, column.examples[0]].filter(Boolean).join(" · ") }));
  const macros: Macro[] = [
    ...ofRecord,
    { text: "{now:%Y-%m-%d}", about: t.configure.macroNow },
    { text: "{run.id}", about: t.configure.macroRun },
  ];
  const bodiless = request.method === "GET" || request.method === "DELETE";
  return (
    <>
      <Panel title={t.configure.request}>
        <div className={classes.line}>
          <Select label={t.configure.method} data={METHODS} value={request.method} allowDeselect={false} w={110} onChange={(method) => method && set({ method: method as RequestValue["method"] })} />
          <div className={classes.grow}>
            <MacroInput label={t.configure.url} value={request.url} onChange={(url) => set({ url })} macros={macros} {...url} error={url.error ?? (request.url.trim() === "" ? undefined : messageAt(problems, "request.url"))} />
          </div>
        </div>
        <p className={classes.hint}>{t.configure.urlHint}</p>
        <Select
          label={t.configure.format}
          data={[
            { value: "json", label: "JSON" },
            { value: "xml", label: "XML" },
            { value: "form", label: "Form" },
          ]}
          value={request.content_format ?? "json"}
          allowDeselect={false}
          onChange={(format) => format && set({ content_format: format as "json" })}
        />
        {request.content_format === "xml" && (
          <div className={classes.line}>
            <TextInput label={t.configure.xmlRoot} value={request.xml?.root ?? ""} placeholder="records" onChange={(event) => set({ xml: named({ ...request.xml, root: event.currentTarget.value }) })} />
            <TextInput label={t.configure.xmlRecord} value={request.xml?.record ?? ""} placeholder="record" onChange={(event) => set({ xml: named({ ...request.xml, record: event.currentTarget.value }) })} />
          </div>
        )}
        {bodiless && (
          <Switch
            label={t.configure.body(request.method)}
            checked={request.body === true}
            onChange={(event) => set({ body: event.currentTarget.checked ? true : undefined })}
          />
        )}
        <MacroInput
          label={t.configure.headers}
          description={t.configure.headersHint}
          value={typeof request.headers === "string" ? request.headers : headersText(request.headers)}
          onChange={(text) => set({ headers: text === "" ? undefined : text })}
          macros={macros}
          error={messageAt(problems, "request.headers")}
        />
        <LostReplyForm request={request} set={set} macros={ofRecord} problems={problems} />
      </Panel>
      <Panel title={t.configure.batching}>
        <Checkbox
          label={t.configure.batchIt}
          checked={batch !== undefined}
          onChange={(event) => set({ batch: event.currentTarget.checked ? { size: 100, grouping: { algorithm: "array" } } : undefined })}
        />
        {batch !== undefined && (
          <>
            <div className={classes.line}>
              <NumberField label={t.configure.size} min={1} allowDecimal={false} value={batch.size ?? 100} error={messageAt(problems, "batch.size")} onChange={(size) => size !== null && set({ batch: { ...batch, size } })} />
              <Select
                label={t.configure.grouping}
                data={Object.entries(t.configure.groupings).map(([algorithm, label]) => ({ value: algorithm, label }))}
                value={batch.grouping?.algorithm ?? "array"}
                allowDeselect={false}
                onChange={(algorithm) => algorithm && set({ batch: { ...batch, grouping: initialGrouping(algorithm as Grouping["algorithm"]) } })}
              />
              <NumberField
                label={t.configure.maxBytes}
                min={1}
                optional
                allowDecimal={false}
                thousandSeparator=","
                value={batch.max_bytes ?? null}
                error={messageAt(problems, "batch.max_bytes")}
                onChange={(bytes) => {
                  const { max_bytes: _, ...others } = batch;
                  set({ batch: bytes === null ? others : { ...others, max_bytes: bytes } });
                }}
              />
            </div>
            <GroupingForm grouping={batch.grouping ?? { algorithm: "array" }} onChange={(grouping) => set({ batch: { ...batch, grouping: grouping as Grouping } })} problems={problems} refused={refused} />
          </>
        )}
      </Panel>
    </>
  );
}

/** The typed names of XML elements; undefined when there is none. */
function named(xml: { root?: string; record?: string }): { root?: string; record?: string } | undefined {
  const kept = Object.fromEntries(Object.entries(xml).filter(([, name]) => name !== ""));
  return Object.keys(kept).length === 0 ? undefined : kept;
}

function initialGrouping(algorithm: Grouping["algorithm"] = "array"): Grouping {
  if (algorithm === "property") return { algorithm, property: "batch" };
  return algorithm === "code" ? { algorithm, code: CODE } : { algorithm };
}

interface GroupingProps {
  grouping: GroupingDraft;
  onChange: (grouping: GroupingDraft) => void;
  problems: Problem[];
  refused: RefusedRecord[];
}
function GroupingForm({ grouping, onChange, problems, refused }: GroupingProps) {
  const props = otherPropsText(grouping.other_props);
  const wrong = grouping.algorithm === "property" && objectOf(props) === null;
  const id = useFieldValidity(!wrong);
  const errors = useMemo(() => codeErrors(problems, refused), [problems, refused]);
  if (grouping.algorithm === undefined || grouping.algorithm === "array") return null;
  if (grouping.algorithm === "code")
    return (
      <>
        <p className={classes.hint}>{t.configure.code}</p>
        <Code value={grouping.code ?? CODE} language="python" label={t.configure.code} lines minHeight={120} onChange={(code) => onChange({ ...grouping, code })} errors={errors} />
        {errors.map((error, i) => (
          <p key={i} className={classes.wrong} role="alert">
            {error.message}
          </p>
        ))}
      </>
    );
  return (
    <div className={classes.line}>
      <TextInput label={t.configure.property} value={grouping.property ?? ""} error={messageAt(problems, "grouping.property")} onChange={(event) => onChange({ ...grouping, property: event.currentTarget.value })} />
      <TextInput
        className={classes.grow}
        label={t.configure.otherProps}
        id={id}
        value={props}
        error={wrong ? t.configure.notJson : messageAt(problems, "grouping.other_props")}
        placeholder='{"origin": "penstock"}'
        onChange={(event) => {
          const text = event.currentTarget.value;
          const { other_props: _, ...others } = grouping;
          onChange(text === "" ? others : { ...others, other_props: text });
        }}
      />
    </div>
  );
}

/** The typed text. It stays text until it is saved, so that incomplete JSON is not lost. */
function otherPropsText(props: GroupingDraft["other_props"]): string {
  if (props === undefined) return "";
  return typeof props === "string" ? props : JSON.stringify(props);
}

/** The errors of the Python code, at their lines: syntax errors and errors on samples. */
function codeErrors(problems: Problem[], refused: RefusedRecord[]): LineError[] {
  const failed = new Set(refused.filter((record) => record.rule === "code").map((record) => record.reason));
  return [...placedOf(problems, "code"), ...[...failed].map(placed)];
}

/** Headers in the one-line notation; values with commas are in quotes. */
function headersText(headers: Record<string, string> | undefined): string {
  return Object.entries(headers ?? {})
    .map(([name, value]) => `${name}:${value.includes(",") ? `"${value}"` : value}`)
    .join(",");
}
