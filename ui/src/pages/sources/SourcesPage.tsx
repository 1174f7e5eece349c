import { IconDatabase } from "@tabler/icons-react";
import type { Source } from "@/api/types";
import { ResourceList } from "@/resources/ResourceList";
import { t } from "@/texts/resources";

export function SourcesPage() {
  return (
    <ResourceList<Source & { value: Record<string, unknown>; state: Record<string, unknown> }>
      kind="sources"
      icon={IconDatabase}
      columns={[
        { id: "type", header: t.columns.type, width: 120, by: (row) => row.value.type, cell: (row) => row.value.type },
        { id: "where", header: t.columns.where, cell: (row) => <span className="mono">{row.value.path ?? row.value.table ?? row.value.query ?? ""}</span> },
        { id: "used", header: t.columns.usedBy, cell: (row) => row.state.used_by.join(", ") },
      ]}
    />
  );
}
