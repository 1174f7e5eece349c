import { IconArrowsSplit2 } from "@tabler/icons-react";
import type { Flow } from "@/api/types";
import { Status, Time } from "@/parts";
import { ResourceList } from "@/resources/ResourceList";
import { t } from "@/texts/resources";

export function FlowsPage() {
  return (
    <ResourceList<Flow & { value: Record<string, unknown>; state: Record<string, unknown> }>
      kind="flows"
      icon={IconArrowsSplit2}
      columns={[
        { id: "destinations", header: t.columns.destinations, cell: (row) => [row.value.destinations].flat().join(", ") },
        { id: "schedule", header: t.columns.schedule, width: 180, cell: (row) => row.value.schedule ?? <span className="muted">{t.byHand}</span> },
        { id: "next", header: t.columns.next, width: 140, cell: (row) => (row.state.next_at ? <Time at={row.state.next_at} /> : "–") },
        { id: "last", header: t.columns.last, width: 140, cell: (row) => (row.state.last_run ? <Status of={row.state.last_run.status} /> : "–") },
      ]}
    />
  );
}
