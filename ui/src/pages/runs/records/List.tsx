/** The records of a run with their outcomes. */
import { Select } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { at } from "@/api/client";
import { listOptions } from "@/api/queries";
import { OUTCOMES, type RunRecord } from "@/api/types";
import { type Col, DataTable, Empty, Failed, Key, Loading, RowLink, Status, useItems } from "@/parts";
import { refusalLine, refusalText } from "@/texts/refusals";
import { t as states } from "@/texts/states";
import { t } from "@/texts/pages/runs";

const recordColumns = (run: string): Col<RunRecord>[] => [
  { id: "key", header: t.key, width: 220, cell: (row) => <Key value={row.key} /> },
  { id: "outcome", header: t.outcome, width: 140, cell: (row) => <Status of={row.outcome} /> },
  { id: "field", header: t.field, width: 140, cell: (row) => row.field && <code>{row.field}</code> },
  { id: "reason", header: t.reason, cell: (row) => <span title={refusalLine(row)}>{refusalText(row)}</span> },
  {
    id: "delivery",
    header: t.request,
    width: 150,
    cell: (row) =>
      row.delivery && (
        <RowLink to={at`/runs/${run}/deliveries/${row.delivery}`} className="mono truncate">
          {row.delivery}
        </RowLink>
      ),
  },
];

export function Records({ run, outcome }: { run: string; outcome: string | undefined }) {
  const navigate = useNavigate({ from: "/runs/$run" });
  const columns = useMemo(() => recordColumns(run), [run]);
  const { query, items, more } = useItems(listOptions<RunRecord>(["runs", run, "records"], at`/runs/${run}/records`, { outcome }));
  return (
    <div style={{ display: "grid", gap: 8 }}>
      <Select
        aria-label={t.outcome}
        w={220}
        clearable
        clearButtonProps={{ "aria-label": t.any }}
        placeholder={`${t.outcome}: ${t.any}`}
        data={OUTCOMES.map((value) => ({ value, label: states.words[value] ?? value }))}
        value={outcome ?? null}
        onChange={(input) => void navigate({ search: (old) => ({ ...old, outcome: input ?? undefined }), replace: true })}
      />
      {query.isError && items === undefined ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : items === undefined ? (
        <Loading rows={6} />
      ) : (
        <DataTable label={t.records} rows={items} columns={columns} rowKey={(row) => `${JSON.stringify(row.key)}${row.delivery ?? ""}${row.reason ?? ""}`} onEnd={more} height={480} minWidth={640} empty={<Empty compact title={t.noRecords} />} />
      )}
    </div>
  );
}
