/** The content of a source that is not saved yet: its columns and first records, or why it cannot be read. */
import { Button, Loader } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconPlugConnected } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { SourceValue } from "@/api/types";
import { Failed, Panel, Problems, Records, Status } from "@/parts";
import classes from "@/resources/style.module.css";
import { t } from "@/texts/pages/sources";
import { sourceQueries } from "../queries";
import { canCheck, checkedValue } from "../value";

interface Props {
  name: string;
  value: SourceValue;
  /** Checks at once, without a press of the button. */
  atOnce?: boolean;
  /** A table of the database was chosen. */
  onTable?: (table: string) => void;
  /** An encoding of the file was chosen. */
  onEncoding?: (encoding: string) => void;
}

export function SourceCheck({ name, value, atOnce = false, onTable, onEncoding }: Props) {
  const client = useQueryClient();
  const [wanted, setWanted] = useState(() => {
    // a save mounts the page again: what was requested before it stays on the page
    const last = client.getQueryState(sourceQueries.check(name, checkedValue(value), false).queryKey);
    const requested = last !== undefined && (last.fetchStatus !== "idle" || last.status !== "pending");
    return requested ? JSON.stringify(value) : null;
  });
  const [debounced] = useDebouncedValue(value, 500); // not at every key that is typed
  const settled = atOnce ? debounced : value;
  const now = JSON.stringify(value);
  const on = canCheck(settled) && (atOnce || wanted === now);
  const query = useQuery(sourceQueries.check(name, checkedValue(settled), on));
  const found = on ? query.data : undefined;
  const problems = found?.problems ?? [];
  const choices = onEncoding === undefined ? [] : problems.flatMap((problem) => problem.choices ?? []);
  const shown = choices.length === 0 ? problems : problems.map((problem) => (problem.choices?.length ? { ...problem, hint: "" } : problem));
  const choose = (encoding: string) => {
    setWanted(JSON.stringify({ ...value, encoding }));
    onEncoding?.(encoding);
  };
  const button = (
    <Button
      variant={found === undefined ? "filled" : "default"}
      leftSection={<IconPlugConnected size={14} />}
      disabled={!canCheck(value)}
      loading={on && query.isFetching}
      onClick={() => (on ? void query.refetch() : setWanted(now))}
    >
      {on && !query.isFetching ? t.check.again : value.type === "sql" ? t.check.connect : t.check.button}
    </Button>
  );
  return (
    <Panel title={t.check.title} actions={button} label={t.check.title}>
      <div className={classes.form} role="status">
        {!on && found === undefined && <p className={classes.hint}>{t.check.hint}</p>}
        {on && query.isFetching && found === undefined && (
          <p className={classes.hint}>
            <Loader size={12} /> {t.check.reading}
          </p>
        )}
        {on && query.isError && <Failed error={query.error} />}
        {problems.length > 0 && <Problems problems={shown} title={t.check.problems} />}
        {choices.length > 0 && <Encodings choices={choices} choose={choose} />}
        {found?.tables && problems.length === 0 && onTable && <Tables tables={found.tables} choose={onTable} />}
        {found !== undefined && problems.length === 0 && (found.columns.length > 0 || !found.tables) && (
          <>
            <Status of="ok" label={found.rows.length === 0 ? t.check.empty : t.check.works(found.columns.length, found.rows.length)} />
            <Records label={t.check.rows} columns={found.columns} rows={found.rows} height={380} />
          </>
        )}
      </div>
    </Panel>
  );
}

/** The encodings that a file may have, each with one line of the file in it. */
function Encodings({ choices, choose }: { choices: { value: string; shows: string }[]; choose: (encoding: string) => void }) {
  return (
    <div role="group" aria-label={t.check.encodings}>
      <p className={classes.label}>{t.check.encodings}</p>
      {choices.map((choice) => (
        <div key={choice.value} className={classes.line} style={{ alignItems: "center", gap: 8 }}>
          <Button size="compact-xs" variant="default" onClick={() => choose(choice.value)}>
            {choice.value}
          </Button>
          <code>{choice.shows}</code>
        </div>
      ))}
    </div>
  );
}

/** The tables of a database, each as a button that chooses it. */
function Tables({ tables, choose }: { tables: string[]; choose: (table: string) => void }) {
  return (
    <div>
      <p className={classes.label}>{t.check.tables(tables.length)}</p>
      <div className={classes.line} style={{ gap: 6, maxHeight: 140, overflow: "auto" }}>
        {tables.map((table) => (
          <Button key={table} size="compact-xs" variant="default" onClick={() => choose(table)}>
            {table}
          </Button>
        ))}
      </div>
    </div>
  );
}
