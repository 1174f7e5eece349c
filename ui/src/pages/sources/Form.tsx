/** The settings of one source, by its kind. */
import { Code, NumberField, Panel } from "@/parts";
import { NumberInput, SegmentedControl, Select, TagsInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import type { CustifySourceValue, SourceValue } from "@/api/types";
import classes from "@/resources/style.module.css";
import { t } from "@/texts/pages/sources";
import { CustifyForm } from "./form/CustifyForm";
import { FileDrop } from "./form/FileDrop";
import { asQuery, asTable, type Auth, authOf, authText, cursorOf, formatOf, readsQuery, sheetOf, withAuth, withAuthKey, withCursor, withKey, withSheetName, withSheetNumber } from "./value";

interface Props {
  value: SourceValue;
  onChange: (value: SourceValue) => void;
  /** Whether a file can be uploaded from this computer. */
  uploads?: boolean;
}

export function SourceForm({ value, onChange, uploads = false }: Props) {
  if (value.type === "sql") return <SqlForm value={value} onChange={onChange} />;
  if (value.type === "custify") return <CustifyForm value={value as unknown as CustifySourceValue} onChange={(next) => onChange(next as unknown as SourceValue)} />;
  return value.type === "webhook" ? <HookForm value={value} onChange={onChange} /> : <FileForm value={value} onChange={onChange} uploads={uploads} />;
}

function FileForm({ value, onChange, uploads }: Props) {
  const text = (key: "encoding" | "delimiter", label: string, placeholder: string) => (
    <TextInput label={label} placeholder={placeholder} w={150} value={value[key] ?? ""} onChange={(event) => onChange(withKey(value, key, event.currentTarget.value))} />
  );
  const lines = (key: "skip_lines" | "skip_footer_lines", label: string) => (
    <NumberInput label={label} placeholder="0" w={170} min={0} max={1_000_000} allowDecimal={false} allowNegative={false} value={value[key] ?? ""} onChange={(count) => onChange(withKey(value, key, typeof count === "number" && count > 0 ? count : undefined))} />
  );
  const select = (key: "quote", label: string, words: Record<string, string>, placeholder: string) => (
    <Select label={label} w={170} clearable placeholder={placeholder} data={Object.entries(words).map(([word, shown]) => ({ value: word, label: shown }))} value={value[key] ?? null} onChange={(word) => onChange(withKey(value, key, word ?? undefined))} />
  );
  const formats = useQuery(queries.formats()).data ?? [];
  const options = formatOf(value, formats)?.options ?? [];
  const sheet = sheetOf(value);
  const nulls = [value.null_values ?? []].flat();
  return (
    <Panel title={t.file.title}>
      <div className={classes.form}>
        {uploads && <FileDrop replaces={value.path !== ""} onUploaded={(made) => onChange({ ...value, path: made.path })} />}
        {(!uploads || value.path !== "") && (
          <TextInput label={t.file.path} description={t.file.pathHint} value={value.path ?? ""} spellCheck={false} onChange={(event) => onChange(withKey(value, "path", event.currentTarget.value))} />
        )}
        <div className={classes.line} role="group" aria-label={t.file.reading}>
          <Select label={t.file.format} w={170} data={formats.map(({ name, label }) => ({ value: name, label }))} clearable clearButtonProps={{ "aria-label": t.file.formatAuto }} placeholder={t.file.formatAuto} value={value.format ?? null} onChange={(format) => onChange(withKey(value, "format", format ?? undefined))} />
          {options.includes("encoding") && text("encoding", t.file.encoding, t.file.utf8)}
          {options.includes("delimiter") && text("delimiter", t.file.delimiter, t.file.detected)}
          {options.includes("sheet") && (
            <>
              <TextInput label={t.file.sheetName} placeholder={t.file.firstSheet} w={170} value={sheet.name} onChange={(event) => onChange(withSheetName(value, event.currentTarget.value))} />
              <NumberField label={t.file.sheetNumber} w={130} min={1} optional allowDecimal={false} value={sheet.number} onChange={(number) => onChange(withSheetNumber(value, number))} />
            </>
          )}
          <DecimalSign value={value} onChange={onChange} />
        </div>
        {options.includes("records_path") && (
          <TextInput label={t.file.recordsPath} description={t.file.recordsPathHint} value={value.records_path ?? ""} spellCheck={false} onChange={(event) => onChange(withKey(value, "records_path", event.currentTarget.value))} />
        )}
        {options.includes("skip_lines") && (
          <div className={classes.line}>
            {lines("skip_lines", t.file.skipLines)}
            {lines("skip_footer_lines", t.file.skipFooter)}
          </div>
        )}
        {options.includes("quote") && (
          <>
            <div className={classes.line}>{select("quote", t.file.quote, t.file.quotes, t.file.quotes.double)}</div>
            <TagsInput label={t.file.nulls} description={t.file.nullsHint} value={nulls} onChange={(marks) => onChange(withKey(value, "null_values", marks.length === 0 ? undefined : marks))} />
          </>
        )}
      </div>
    </Panel>
  );
}

/** How numbers that are texts are written. */
function DecimalSign({ value, onChange }: Props) {
  return (
    <Select label={t.decimal} w={170} clearable placeholder={t.byColumn} data={Object.entries(t.decimals).map(([sign, label]) => ({ value: sign, label }))} value={value.decimal ?? null} onChange={(sign) => onChange(withKey(value, "decimal", sign ?? undefined))} />
  );
}

function SqlForm({ value, onChange }: Props) {
  const query = readsQuery(value);
  const { column, overlap } = cursorOf(value);
  return (
    <Panel title={t.sql.title}>
      <div className={classes.form}>
        <TextInput label={t.sql.url} placeholder="postgresql://…" description={t.sql.urlHint} value={value.url ?? ""} spellCheck={false} autoComplete="off" onChange={(event) => onChange(withKey(value, "url", event.currentTarget.value))} />
        <SegmentedControl
          aria-label={t.sql.what}
          value={query ? "query" : "table"}
          onChange={(what) => onChange(what === "query" ? asQuery(value) : asTable(value))}
          data={[
            { value: "table", label: t.sql.table },
            { value: "query", label: t.sql.query },
          ]}
          style={{ alignSelf: "flex-start" }}
        />
        {query ? (
          <Code value={value.query ?? ""} language="sql" label={t.sql.queryLabel} lines minHeight={110} maxHeight={320} onChange={(next) => onChange({ ...value, query: next })} />
        ) : (
          <TextInput label={t.sql.tableName} description={t.sql.tableHint} value={value.table ?? ""} spellCheck={false} onChange={(event) => onChange(withKey(value, "table", event.currentTarget.value))} />
        )}
        <div className={classes.line}>
          <TextInput className={classes.grow} label={t.sql.cursor} description={t.sql.cursorHint} value={column} spellCheck={false} onChange={(event) => onChange(withCursor(value, event.currentTarget.value, overlap))} />
          {column !== "" && <TextInput className={classes.grow} label={t.sql.overlap} description={t.sql.overlapHint} value={overlap} onChange={(event) => onChange(withCursor(value, column, event.currentTarget.value))} />}
          <DecimalSign value={value} onChange={onChange} />
        </div>
      </div>
    </Panel>
  );
}

function HookForm({ value, onChange }: Props) {
  const auth = authOf(value);
  const setting = (key: string, label: string, otherwise = "") => (
    <TextInput label={label} w={220} value={authText(value, key, otherwise)} spellCheck={false} onChange={(event) => onChange(withAuthKey(value, key, event.currentTarget.value))} />
  );
  return (
    <Panel title={t.hook.senders}>
      <div className={classes.form}>
        <div className={classes.line}>
          <Select
            className={classes.grow}
            label={t.hook.auth}
            data={Object.entries(t.hook.auths).map(([way, label]) => ({ value: way, label }))}
            value={auth}
            allowDeselect={false}
            onChange={(way) => way && onChange(withAuth(value, way as Auth))}
          />
          {auth === "key" && setting("header", t.hook.header, "X-API-Key")}
          {auth === "query" && setting("query", t.hook.parameter)}
          {auth === "basic" && setting("basic", t.hook.user)}
          {auth === "generic" && setting("header", t.hook.header)}
          {auth === "generic" && setting("prefix", t.hook.prefix)}
        </div>
        {auth === "none" && <p className={classes.hint}>{t.hook.noneHint}</p>}
        {auth === "query" && <p className={classes.hint}>{t.hook.queryHint}</p>}
        <DecimalSign value={value} onChange={onChange} />
        <TextInput label={t.hook.retain} description={t.hook.retainHint} placeholder="7d" maw={420} value={String(value.retain ?? "")} onChange={(event) => onChange(withKey(value, "retain", event.currentTarget.value))} />
      </div>
    </Panel>
  );
}
