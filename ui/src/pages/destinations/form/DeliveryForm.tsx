/** The settings that templates and requests share: other columns, exclusion, mode, batching, replies. */
import { MultiSelect, SegmentedControl, Select, Switch, TagsInput, TextInput } from "@mantine/core";
import { memo, useMemo } from "react";
import type { Column, DestinationValue, Problem, Template } from "@/api/types";
import { messageAt, NumberField, Panel } from "@/parts";
import { t } from "@/texts/pages/destinations";
import classes from "../style.module.css";
import { type Dialect, linksCompanies, nestedPaths } from "../value";

interface Props {
  name: string;
  value: DestinationValue;
  /** Replaces these settings; undefined removes one. */
  set: (change: Record<string, unknown>) => void;
  columns: Column[];
  rows: Record<string, unknown>[];
  template: Template | undefined;
  /** The template that describes the records: that of a batch's items, else the same. */
  records: Template | undefined;
  dialect: Dialect;
  problems: Problem[];
  /** Columns that fields are mapped to; they cannot be excluded. */
  mapped: string[];
}

const ELSEWHERE = new Set(["fields", "request"]);
/** Settings that this form shows. It is rendered again only when one of them changes. */
function sameHere({ value: a, ...before }: Props, { value: b, ...after }: Props): boolean {
  const same = (one: object, other: object) => [...new Set([...Object.keys(one), ...Object.keys(other)])].every((key) => ELSEWHERE.has(key) || Object.is(one[key as never], other[key as never]));
  return same(a, b) && same(before, after);
}
export const DeliveryForm = memo(PlainDeliveryForm, sameHere);

const MARK = { set: { churned: true } };

function PlainDeliveryForm({ name, value, set, columns, rows, template, records, dialect, problems, mapped }: Props) {
  const names = columns.map((column) => column.name);
  const paths = useMemo(() => [...columns.map((column) => column.name), ...nestedPaths(rows)].filter((path) => !mapped.includes(path)), [columns, rows, mapped]);
  const own = typeof value.batch === "object" ? value.batch : {};
  const extras = template?.extras[dialect];
  const attributes = value.attributes ?? "all";
  const batch = typeof value.batch === "string" ? value.batch : value.batch === undefined ? "auto" : "on";
  const links = dialect === "native" && records !== undefined && linksCompanies(records);
  const modes = template?.modes ?? ["all", "new", "changed"];
  return (
    <>
      <Panel title={t.configure.extras}>
        {template && extras !== "none" && (
          <>
            <p className={classes.hint}>{t.configure.extrasHint(extras === "inline" ? t.configure.extrasInline : (extras ?? "attributes"))}</p>
            <SegmentedControl
              aria-label={t.configure.extras}
              value={typeof attributes === "string" ? attributes : "chosen"}
              onChange={(input) => set({ attributes: input === "chosen" ? [] : (input as "all") })}
              data={[
                { value: "all", label: t.configure.extrasAll },
                { value: "none", label: t.configure.extrasNone },
                { value: "chosen", label: t.configure.extrasChosen },
              ]}
            />
            {Array.isArray(attributes) && (
              <MultiSelect label={t.configure.extrasColumns} data={names} value={attributes} searchable error={messageAt(problems, "attributes")} onChange={(chosen) => set({ attributes: chosen })} />
            )}
          </>
        )}
        <TagsInput
          label={t.configure.exclude}
          description={t.configure.excludeHint}
          data={paths}
          value={[value.exclude ?? []].flat()}
          error={messageAt(problems, "exclude")}
          clearable
          clearButtonProps={{ "aria-label": t.configure.clear }}
          onChange={(exclude) => set({ exclude })}
        />
        <Select
          label={t.configure.newColumns}
          description={t.configure.newColumnsHint}
          data={Object.entries(t.configure.newColumnsWays).map(([way, label]) => ({ value: way, label }))}
          value={value.new_columns ?? "note"}
          allowDeselect={false}
          error={messageAt(problems, "new_columns")}
          onChange={(way) => way && set({ new_columns: way === "note" ? undefined : way })}
        />
        {(links || value.company_link !== undefined) && (
          <Select
            label={t.configure.companyLink}
            description={t.configure.companyLinkHint}
            data={Object.entries(t.configure.companyLinkWays).map(([way, label]) => ({ value: way, label }))}
            value={value.company_link ?? "add"}
            allowDeselect={false}
            error={messageAt(problems, "company_link")}
            onChange={(way) => way && set({ company_link: way === "add" ? undefined : way })}
          />
        )}
        {(links || value.identity !== undefined) && (
          <Select
            label={t.configure.identity}
            description={t.configure.identityHint}
            data={Object.entries(t.configure.identityWays).map(([way, label]) => ({ value: way, label }))}
            value={value.identity ?? "warn"}
            allowDeselect={false}
            error={messageAt(problems, "identity")}
            onChange={(way) => way && set({ identity: way === "warn" ? undefined : way })}
          />
        )}
        <Select
          label={t.configure.nulls}
          data={[
            { value: "omit", label: t.configure.nullsOmit },
            { value: "send", label: t.configure.nullsSend },
          ]}
          value={value.nulls ?? "omit"}
          allowDeselect={false}
          onChange={(nulls) => nulls && set({ nulls: nulls as "omit" })}
        />
      </Panel>
      <Panel title={t.configure.delivery}>
        <Select
          label={t.configure.mode}
          data={modes.map((mode) => ({ value: mode, label: t.configure.modes[mode] ?? mode }))}
          value={value.mode ?? (template ? (modes[0] ?? null) : "all")}
          allowDeselect={false}
          onChange={(mode) => mode && set(mode === "mirror" ? { mode, on_delete: dialect === "native" ? "delete" : MARK } : { mode, on_delete: undefined, mirror_max_share: undefined })}
        />
        {value.mode === "mirror" && (
          <div className={classes.line}>
            <Select
              label={t.configure.onDelete}
              description={t.configure.onDeleteHint}
              className={classes.grow}
              data={Object.entries(t.configure.onDeleteWays).map(([way, label]) => ({ value: way, label }))}
              value={typeof value.on_delete === "object" ? "mark" : (value.on_delete ?? null)}
              allowDeselect={false}
              error={messageAt(problems, "on_delete")}
              onChange={(way) => way && set({ on_delete: way === "mark" ? MARK : "delete" })}
            />
            <NumberField
              label={t.configure.share}
              description={t.configure.shareHint}
              min={0}
              max={1}
              optional
              placeholder="0.05"
              value={value.mirror_max_share ?? null}
              error={messageAt(problems, "mirror_max_share")}
              onChange={(share) => set({ mirror_max_share: share ?? undefined })}
            />
          </div>
        )}
        {template && (
          <div className={classes.line}>
          <Select
            label={t.configure.batching}
            className={classes.grow}
            data={[
              { value: "auto", label: t.configure.batchAuto },
              { value: "on", label: t.configure.batchOn },
              { value: "off", label: t.configure.batchOff },
            ]}
            value={batch}
            allowDeselect={false}
            onChange={(input) => input && set({ batch: input as "auto" })}
          />
          {batch === "on" && (
            <NumberField
              label={t.configure.size}
              min={1}
              optional
              allowDecimal={false}
              placeholder={t.configure.sizeLimit}
              value={own.size ?? null}
              error={messageAt(problems, "batch.size", "batch")}
              onChange={(size) => set({ batch: size === null ? "on" : { ...own, size } })}
            />
          )}
          </div>
        )}
        <NumberField
          label={t.configure.concurrency}
          min={1}
          max={200}
          allowDecimal={false}
          value={value.concurrency ?? 10}
          error={messageAt(problems, "concurrency")}
          onChange={(input) => input !== null && set({ concurrency: input })}
        />
        <Select
          label={t.configure.onUnknown}
          data={Object.entries(t.configure.onUnknownWays).map(([way, label]) => ({ value: way, label }))}
          value={value.on_unknown ?? "settle"}
          allowDeselect={false}
          error={messageAt(problems, "on_unknown")}
          onChange={(way) => way && set({ on_unknown: way === "settle" ? undefined : way })}
        />
        <TextInput
          label={t.configure.settleAfter}
          description={t.configure.settleAfterHint}
          placeholder="5s"
          value={String(value.settle_after ?? "")}
          error={messageAt(problems, "settle_after")}
          onChange={(event) => set({ settle_after: event.currentTarget.value === "" ? undefined : event.currentTarget.value })}
        />
        <TextInput
          label={t.configure.confirmTimeout}
          description={t.configure.confirmTimeoutHint}
          placeholder="10m"
          value={String(value.confirm_timeout ?? "")}
          error={messageAt(problems, "confirm_timeout")}
          onChange={(event) => set({ confirm_timeout: event.currentTarget.value === "" ? undefined : event.currentTarget.value })}
        />
        <Switch
          label={t.configure.responses}
          description={t.configure.responsesHint(name)}
          checked={value.responses === true}
          onChange={(event) => set({ responses: event.currentTarget.checked ? true : (undefined as never) })}
        />
      </Panel>
    </>
  );
}
