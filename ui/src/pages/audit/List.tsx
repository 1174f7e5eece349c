import { Button } from "@mantine/core";
import { IconListDetails } from "@tabler/icons-react";
import { address } from "@/api/client";
import { listOptions } from "@/api/queries";
import type { AuditEntry } from "@/api/types";
import { type Col, DataTable, Empty, Failed, Loading, Page, Time, useFreshFirst, useItems } from "@/parts";
import { t } from "@/texts/pages/audit";

const COLUMNS: Col<AuditEntry>[] = [
  { id: "at", header: t.at, width: 160, cell: (row) => <Time at={row.at} /> },
  { id: "who", header: t.who, width: 140, cell: (row) => row.who },
  { id: "action", header: t.action, cell: (row) => <span className="mono">{row.action}</span> },
  { id: "what", header: t.what, cell: (row) => row.what },
  { id: "from", header: t.from, width: 160, cell: (row) => row.from },
  { id: "result", header: t.result, width: 110, cell: (row) => row.result },
];

export function AuditPage() {
  const { query, items, more } = useItems(listOptions<AuditEntry>(["audit"], "/audit"));
  useFreshFirst<AuditEntry>({ key: ["audit"], path: "/audit", idOf: (entry) => String(entry.id), every: 15_000 });
  return (
    <Page
      title={t.title}
      description={t.about}
      width="fill"
      actions={(["csv", "ndjson"] as const).map((format) => (
        <Button key={format} component="a" variant="default" href={address("/audit/export", { format })} download>
          {t.export(format.toUpperCase())}
        </Button>
      ))}
    >
      {query.isError && items === undefined ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : items === undefined ? (
        <Loading rows={10} />
      ) : (
        <DataTable label={t.title} rows={items} columns={COLUMNS} rowKey={(row) => String(row.id)} onEnd={more} minWidth={860} empty={<Empty icon={IconListDetails} title={t.none}>{t.noneHint}</Empty>} />
      )}
    </Page>
  );
}
