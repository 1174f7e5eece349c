/** The page of a dataset: records, columns, settings, and uses of its records. */
import { Button, Select, Tabs, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Column, DatasetState, DatasetValue, Resource } from "@/api/types";
import { type Col, DataTable, Empty, Loaded, Page, Records, useChange } from "@/parts";
import { DatasetMenu } from "@/resources/datasets/Menu";
import type { Value } from "@/resources/Editor";
import { ResourcePage } from "@/resources/Page";
import { t } from "@/texts/pages/datasets";
import { t as words } from "@/texts/resources";
import { DatasetForm } from "./Form";
import { People } from "./people/People";
import type { Tab } from "./search";
import { type ColumnType, keysOf, withType } from "./value";

const TYPES: ColumnType[] = ["text", "integer", "number", "boolean", "date", "timestamp", "json"];

export function DatasetPage() {
  const { name } = useParams({ from: "/shell/datasets/$name" });
  return name.endsWith(".responses") ? <Replies name={name} /> : <Own name={name} />;
}

/** The dataset of a destination's replies. It has no settings. */
function Replies({ name }: { name: string }) {
  const destination = name.replace(/\.responses$/, "");
  return (
    <Page
      title={name}
      crumbs={[{ label: words.kinds.datasets.title, to: "/datasets" }]}
      description={t.replies}
      actions={
        <>
          <Button component={Link} to={`/responses/${encodeURIComponent(destination)}`} variant="default">
            {t.toReplies}
          </Button>
          <DatasetMenu name={name} full />
        </>
      }
    >
      <Samples name={name} />
    </Page>
  );
}

function Own({ name }: { name: string }) {
  const { tab = "records" } = useSearch({ from: "/shell/datasets/$name" });
  const navigate = useNavigate({ from: "/datasets/$name" });
  const refresh = useChange({ run: () => api.post(at`/datasets/${name}/refresh`), done: () => t.refreshed, refresh: [keys.kind("datasets")] });
  return (
    <ResourcePage
      kind="datasets"
      name={name}
      shows={["sql", "key"]}
      description={about}
      actions={() => (
        <>
          <Button variant="default" onClick={() => refresh.mutate()} loading={refresh.isPending}>
            {t.refresh}
          </Button>
          <DatasetMenu name={name} full />
        </>
      )}
      form={({ value, onChange, problems }) => {
        const dataset = value as unknown as DatasetValue;
        const change = (next: DatasetValue) => onChange(next as unknown as Value);
        return (
          <Tabs value={tab} onChange={(to) => void navigate({ search: { tab: to === "records" ? undefined : (to as Tab) }, replace: true })}>
            <Tabs.List aria-label={t.tabs.label}>
              <Tabs.Tab value="records">{t.tabs.records}</Tabs.Tab>
              <Tabs.Tab value="columns">{t.tabs.columns}</Tabs.Tab>
              <Tabs.Tab value="people">{t.tabs.people}</Tabs.Tab>
              <Tabs.Tab value="settings">{t.tabs.settings}</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="records" pt="md">
              <Samples name={name} />
            </Tabs.Panel>
            <Tabs.Panel value="columns" pt="md">
              <Columns name={name} value={dataset} onChange={change} />
            </Tabs.Panel>
            <Tabs.Panel value="people" pt="md">
              {tab === "people" && <People name={name} />}
            </Tabs.Panel>
            <Tabs.Panel value="settings" pt="md">
              <DatasetForm name={name} value={dataset} onChange={change} problems={problems} />
            </Tabs.Panel>
          </Tabs>
        );
      }}
    />
  );
}

function about(found: Resource): string {
  const value = found.value as unknown as DatasetValue;
  const state = found.state as DatasetState;
  return t.about(value.source, keysOf(value).join(", ")) + t.size(state.records, state.columns);
}

function Samples({ name }: { name: string }) {
  const query = useQuery(queries.samples(name, 100));
  return (
    <Loaded query={query} height={420}>
      {(found) =>
        found.rows.length === 0 ? (
          <Empty title={t.none}>{t.noneHint}</Empty>
        ) : (
          <Records label={t.samples} columns={found.columns} rows={found.rows} height={640} />
        )
      }
    </Loaded>
  );
}

function Columns({ name, value, onChange }: { name: string; value: DatasetValue; onChange: (value: DatasetValue) => void }) {
  const query = useQuery(queries.samples(name, 100));
  const [find, setFind] = useState("");
  const columns: Col<Column>[] = [
    { id: "name", header: words.name, width: 260, by: (column) => column.name, cell: (column) => <code>{column.name}</code> },
    {
      id: "type",
      header: words.columns.type,
      width: 190,
      by: (column) => column.type,
      cell: (column) => (
        <Select
          size="xs"
          variant="unstyled"
          aria-label={t.typeOf(column.name)}
          data={TYPES}
          placeholder={`${column.type} (${t.asDetected})`}
          clearable
          clearButtonProps={{ "aria-label": t.asDetected }}
          value={value.types?.[column.name] ?? null}
          onChange={(type) => onChange(withType(value, column.name, type as ColumnType | null))}
        />
      ),
    },
    { id: "null", header: words.nullable, width: 110, cell: (column) => (column.nullable ? "✓" : "–") },
    { id: "examples", header: words.examples, cell: (column) => <span className="muted">{column.examples.join(", ")}</span> },
  ];
  return (
    <Loaded query={query} height={420}>
      {(found) => (
        <div style={{ display: "grid", gap: 12 }}>
          <TextInput aria-label={t.find} placeholder={t.find} maw={280} leftSection={<IconSearch size={14} />} value={find} onChange={(event) => setFind(event.currentTarget.value)} />
          <DataTable
            label={t.schema}
            rows={found.columns.filter((column) => column.name.toLowerCase().includes(find.trim().toLowerCase()))}
            columns={columns}
            rowKey={(column) => column.name}
            height={600}
            minWidth={720}
          />
        </div>
      )}
    </Loaded>
  );
}
