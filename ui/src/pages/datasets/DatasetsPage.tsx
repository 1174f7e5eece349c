import { IconTable } from "@tabler/icons-react";
import type { Dataset } from "@/api/types";
import { number } from "@/parts";
import { ResourceList } from "@/resources/ResourceList";
import { t } from "@/texts/resources";

export function DatasetsPage() {
  return (
    <ResourceList<Dataset & { value: Record<string, unknown>; state: Record<string, unknown> }>
      kind="datasets"
      icon={IconTable}
      columns={[
        { id: "source", header: t.columns.source, by: (row) => row.value.source, cell: (row) => row.value.source },
        { id: "key", header: t.columns.key, cell: (row) => <span className="mono">{[row.value.key].flat().join(", ")}</span> },
        { id: "records", header: t.columns.records, width: 110, align: "right", by: (row) => row.state.records, cell: (row) => (row.state.records === null ? "–" : number(row.state.records)) },
        { id: "columns", header: t.columns.columns, width: 100, align: "right", cell: (row) => row.state.columns ?? "–" },
      ]}
    />
  );
}
