/** The requests of a run. */
import { useNavigate } from "@tanstack/react-router";
import { at } from "@/api/client";
import { listOptions } from "@/api/queries";
import type { Delivery } from "@/api/types";
import { type Col, DataTable, duration, Empty, Failed, Loading, Num, Status, useFreshLast, useItems } from "@/parts";
import { t } from "@/texts/pages/runs";

// created once, so that rows are not rendered again with the list
const REQUESTS: Col<Delivery>[] = [
  { id: "outcome", header: t.outcome, width: 130, cell: (row) => <Status of={row.outcome} /> },
  { id: "request", header: t.request, cell: (row) => <span className="mono" title={row.url ?? ""}>{row.method} {row.url}</span> },
  { id: "status", header: t.status, width: 80, cell: (row) => row.status ?? "–" },
  { id: "records", header: t.records, width: 90, align: "right", cell: (row) => <Num value={row.records.length} /> },
  { id: "attempts", header: t.attempts, width: 90, align: "right", cell: (row) => <Num value={row.attempts} /> },
  { id: "ms", header: t.latency, width: 100, align: "right", cell: (row) => (row.duration_ms === null ? "–" : duration(row.duration_ms / 1000)) },
  { id: "reason", header: t.reason, cell: (row) => <span title={row.reason ?? ""}>{row.reason}</span> },
];

export function Deliveries({ run, live }: { run: string; live: boolean }) {
  const list = { key: ["runs", run, "deliveries"], path: at`/runs/${run}/deliveries` };
  const { query, items, more } = useItems(listOptions<Delivery>(list.key, list.path));
  useFreshLast<Delivery>({ ...list, every: live && 3_000 });
  const navigate = useNavigate();
  if (items === undefined) return query.isError ? <Failed error={query.error} retry={() => void query.refetch()} /> : <Loading rows={6} />;
  return (
    <DataTable
      label={t.deliveries}
      rows={items}
      columns={REQUESTS}
      rowKey={(row) => row.delivery}
      onEnd={more}
      height={480}
      minWidth={820}
      onOpen={(row) => void navigate({ to: "/runs/$run/deliveries/$delivery", params: { run, delivery: row.delivery } })}
      empty={<Empty compact title={t.noDeliveries} />}
    />
  );
}
