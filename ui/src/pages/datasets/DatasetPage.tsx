/** A dataset: its settings, its columns, its sample records, and the way on to a destination. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Column } from "@/api/types";
import { cellText, type Col, DataTable, Loaded, Panel, useChange } from "@/parts";
import { ResourcePage } from "@/resources/ResourcePage";
import { t } from "@/texts/resources";

export function DatasetPage() {
  const { name } = useParams({ from: "/shell/datasets/$name" });
  const refresh = useChange({ run: () => api.post(at`/datasets/${name}/refresh`), done: () => t.refreshed, refresh: [keys.kind("datasets")] });
  return (
    <ResourcePage
      kind="datasets"
      name={name}
      actions={() => (
        <>
          <Button variant="default" onClick={() => refresh.mutate()} loading={refresh.isPending}>
            {t.refresh}
          </Button>
          <Button component={Link} to={`/destinations/new?dataset=${encodeURIComponent(name)}`} variant="light">
            {t.send}
          </Button>
        </>
      )}
    >
      {() => <Samples name={name} />}
    </ResourcePage>
  );
}

type Row = Record<string, unknown> & { "\u0000": number };

function Samples({ name }: { name: string }) {
  const query = useQuery(queries.samples(name, 50));
  const schema: Col<Column>[] = [
    { id: "name", header: t.name, by: (column) => column.name, cell: (column) => <code>{column.name}</code> },
    { id: "type", header: t.columns.type, width: 120, by: (column) => column.type, cell: (column) => column.type },
    { id: "null", header: t.nullable, width: 120, cell: (column) => (column.nullable ? "✓" : "–") },
    { id: "examples", header: t.examples, cell: (column) => column.examples.join(", ") },
  ];
  return (
    <Loaded query={query} height={320}>
      {(found) => (
        <>
          <Panel title={t.schema} flush>
            <DataTable label={t.schema} rows={found.columns} columns={schema} rowKey={(column) => column.name} height={320} />
          </Panel>
          <Panel title={t.samples} flush>
            <DataTable
              label={t.samples}
              rows={found.rows.map((row, i): Row => ({ ...row, "\u0000": i }))}
              columns={found.columns.map((column): Col<Row> => ({ id: column.name, header: column.name, width: 160, cell: (row) => <Cell value={row[column.name]} /> }))}
              rowKey={(row) => String(row["\u0000"])}
              height={420}
              minWidth={found.columns.length * 160}
            />
          </Panel>
        </>
      )}
    </Loaded>
  );
}

function Cell({ value }: { value: unknown }) {
  const text = cellText(value);
  return (
    <span className={value === null || value === undefined ? "muted" : undefined} title={text}>
      {text}
    </span>
  );
}
