import { IconCloudDown, IconDatabase, IconFile, IconTable, IconWebhook, type TablerIcon } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { Source } from "@/api/types";
import { ResourceList } from "@/resources/List";
import { t } from "@/texts/resources";
import { t as words } from "@/texts/pages/sources";

const ICONS: Record<string, TablerIcon> = { file: IconFile, sql: IconDatabase, webhook: IconWebhook, custify: IconCloudDown };

export function SourcesPage() {
  return (
    <ResourceList<Source & { value: Record<string, unknown>; state: Record<string, unknown> }>
      kind="sources"
      icon={IconDatabase}
      columns={[
        {
          id: "type",
          header: t.columns.type,
          width: 140,
          by: (row) => row.value.type,
          cell: (row) => {
            const Icon = ICONS[row.value.type] ?? IconTable;
            return (
              <span style={{ display: "inline-flex", gap: 8, alignItems: "center" }}>
                <Icon size={15} stroke={1.7} aria-hidden /> {words.types[row.value.type] ?? row.value.type}
              </span>
            );
          },
        },
        { id: "where", header: t.columns.where, cell: (row) => <span className="mono">{row.value.type === "custify" ? String(row.value.object) : (row.value.path ?? row.value.table ?? row.value.query ?? (row.value.type === "webhook" ? `/hooks/${row.name}` : ""))}</span> },
        {
          id: "used",
          header: t.columns.usedBy,
          cell: (row) =>
            row.state.used_by.map((dataset, i) => (
              <span key={dataset}>
                {i > 0 && ", "}
                <Link to="/datasets/$name" params={{ name: dataset }}>
                  {dataset}
                </Link>
              </span>
            )),
        },
      ]}
    />
  );
}
