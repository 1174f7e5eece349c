/** The form of a dataset, beside a preview of its records. */
import { Anchor, Button, Loader, MultiSelect, Select, Switch } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconPlayerPlay } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { DatasetPreview, DatasetValue, Problem } from "@/api/types";
import { Code, elsewhere, Empty, Failed, Panel, placedOf, Problems, Records, Status } from "@/parts";
import { columnNames } from "@/parts/code/completion";
import classes from "@/resources/style.module.css";
import { t } from "@/texts/pages/datasets";
import { FIRST_SQL, keysOf, likelyKey, withKeys, withSql } from "./value";

interface Props {
  name: string;
  value: DatasetValue;
  onChange: (value: DatasetValue) => void;
  problems: Problem[];
}

/** The first records with unsaved settings. The key is not sent, since it changes no record. */
export function usePreview(name: string, value: DatasetValue) {
  const shaped = useMemo(() => ({ name, value: keysOf(value).length === 0 ? withoutKey(value) : value }), [name, value]);
  const [settled] = useDebouncedValue(shaped, 400);
  return useQuery({
    queryKey: ["datasets", "preview", settled],
    queryFn: ({ signal }) => api.post<DatasetPreview>("/datasets/preview", settled, { signal }),
    enabled: settled.value.source !== "",
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 30_000,
    gcTime: 60_000,
  });
}

function withoutKey(value: DatasetValue): Partial<DatasetValue> {
  const { key: _, ...others } = value;
  return others;
}

export function DatasetForm({ name, value, onChange, problems }: Props) {
  const sources = useQuery(queries.kind("sources"));
  const destinations = useQuery(queries.kind("destinations"));
  const preview = usePreview(name, value);
  const plain = useMemo(() => withSql(value, undefined), [value]);
  const raw = usePreview(name, plain); // the columns that SQL can use
  const previewErrors = preview.data?.errors ?? [];
  const found = preview.isPlaceholderData ? undefined : preview.data;
  const errors = [...new Map([...previewErrors, ...problems].map((problem) => [problem.message, problem])).values()];
  const last = useRef<DatasetPreview | undefined>(undefined); // the last preview that worked, shown while the SQL has an error
  if (preview.data && preview.data.columns.length > 0) last.current = preview.data;
  const shown = previewErrors.length > 0 ? last.current : preview.data;
  const columns = (shown?.columns ?? []).map((column) => column.name);
  const keys = keysOf(value);
  const suggested = preview.data ? likelyKey(preview.data.columns, preview.data.rows) : null;
  const offered = useRef(false);
  useEffect(() => {
    if (offered.current || suggested === null || keys.length > 0) return;
    offered.current = true; // once: a user who clears the key does not want it
    onChange(withKeys(value, [suggested]));
  }, [suggested, keys.length, onChange, value]);
  const known = useRef(raw.data?.columns ?? []);
  known.current = raw.data?.columns ?? [];
  const complete = useMemo(() => columnNames(() => known.current), []);
  const sqlErrors = useMemo(() => placedOf(errors, "sql"), [JSON.stringify(errors)]); // eslint-disable-line react-hooks/exhaustive-deps
  const names = [
    { group: t.source, items: (sources.data ?? []).map((source) => source.name) },
    { group: t.responses, items: (destinations.data ?? []).filter((one) => one.value.responses === true).map((one) => `${one.name}.responses`) },
  ].filter((group) => group.items.length > 0);
  return (
    <div className={classes.split}>
      <div className={classes.main}>
        <Panel>
          <div className={classes.form}>
            {sources.data?.length === 0 && names.length === 0 ? (
              <Empty
                compact
                title={t.noSources}
                actions={
                  <Button component="a" href="/sources/new" variant="default">
                    {t.newSource}
                  </Button>
                }
              >
                {t.noSourcesHint}
              </Empty>
            ) : (
              <Select label={t.source} description={t.sourceHint} data={names} value={value.source || null} searchable allowDeselect={false} onChange={(source) => source && onChange({ ...value, source })} />
            )}
            <MultiSelect
              label={t.key}
              description={t.keyHint}
              data={[...new Set([...columns, ...keys])]}
              value={keys}
              searchable
              hidePickedOptions
              onChange={(next) => onChange(withKeys(value, next))}
              error={problems.find((problem) => problem.path.endsWith(".key"))?.message}
            />
            {suggested !== null && keys.length === 0 && (
              <p className={classes.hint}>
                {t.keySuggested}: <Anchor component="button" type="button" size="sm" onClick={() => onChange(withKeys(value, [suggested]))}>{suggested}</Anchor>
              </p>
            )}
          </div>
        </Panel>
        <Panel
          title={<Switch label={t.sql} checked={value.sql !== undefined} onChange={(event) => onChange(withSql(value, event.currentTarget.checked ? FIRST_SQL : undefined))} />}
          actions={
            value.sql !== undefined && (
              <Button variant="default" leftSection={<IconPlayerPlay size={14} />} loading={preview.isFetching} onClick={() => void preview.refetch()}>
                {t.run}
              </Button>
            )
          }
        >
          {value.sql !== undefined && (
            <div className={classes.form}>
              <p className={classes.hint}>{t.sqlHint}</p>
              <Code value={value.sql} language="sql" label={t.sqlLabel} lines minHeight={180} maxHeight={460} errors={sqlErrors} complete={complete} onChange={(sql) => onChange({ ...value, sql })} onSubmit={() => void preview.refetch()} />
              {sqlErrors.map((error, i) => (
                <p key={i} className={classes.hint} role="alert" style={{ color: "var(--p-bad)" }}>
                  {error.message}
                </p>
              ))}
            </div>
          )}
          {value.sql === undefined && <p className={classes.hint}>{t.sqlHint.split(".")[0]}.</p>}
        </Panel>
      </div>
      <div className={classes.side}>
        <Panel title={t.preview} actions={preview.isFetching ? <Loader size={14} role="status" aria-label={t.reading} /> : undefined} label={t.preview}>
          <div className={classes.form}>
            {preview.isError && <Failed error={preview.error} retry={() => void preview.refetch()} />}
            <Problems problems={elsewhere(previewErrors, "sql", "key")} title={t.wrong} />
            {found !== undefined && errors.length === 0 && found.rows.length > 0 && <Status of="ok" label={t.rows(found.rows.length, found.columns.length)} />}
            {previewErrors.length > 0 && shown !== undefined && <p className={classes.hint}>{t.before}</p>}
            {shown !== undefined && shown.rows.length > 0 && <Records label={t.preview} columns={shown.columns} rows={shown.rows} height={520} />}
            {found !== undefined && errors.length === 0 && found.rows.length === 0 && (
              <Empty compact title={t.none}>
                {t.noneHint}
              </Empty>
            )}
            {preview.data === undefined && !preview.isFetching && !preview.isError && <p className={classes.hint}>{t.previewHint}</p>}
          </div>
        </Panel>
      </div>
    </div>
  );
}
