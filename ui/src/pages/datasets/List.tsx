import { IconTable } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { Dataset } from "@/api/types";
import { number } from "@/parts";
import { DatasetMenu } from "@/resources/datasets/Menu";
import { ResourceList } from "@/resources/List";
import { t } from "@/texts/resources";

export function DatasetsPage() {
  return (
    <ResourceList<Dataset & { value: Record<string, unknown>; state: Record<string, unknown> }>
      kind="datasets"
      icon={IconTable}
      columns={[
        {
          id: "source",
          header: t.columns.source,
          by: (row) => row.value.source,
          cell: (row) =>
            row.value.source.endsWith(".responses") ? (
              row.value.source
            ) : (
              <Link to="/sources/$name" params={{ name: row.value.source }}>
                {row.value.source}
              </Link>
            ),
        },
        { id: "key", header: t.columns.key, cell: (row) => <span className="mono">{[row.value.key].flat().join(", ")}</span> },
        { id: "sql", header: t.columns.shaped, width: 110, by: (row) => (row.value.sql === undefined ? 0 : 1), cell: (row) => (row.value.sql === undefined ? "–" : "SQL") },
        { id: "records", header: t.columns.records, width: 110, align: "right", by: (row) => row.state.records, cell: (row) => (row.state.records === null ? "–" : number(row.state.records)) },
        { id: "columns", header: t.columns.columns, width: 100, align: "right", by: (row) => row.state.columns, cell: (row) => row.state.columns ?? "–" },
        { id: "add", header: "", width: 52, cell: (row) => <DatasetMenu name={row.name} /> },
      ]}
    />
  );
}
