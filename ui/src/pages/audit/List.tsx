import { Button } from "@mantine/core";
import { IconListDetails } from "@tabler/icons-react";
import { address } from "@/api/client";
import { listOptions } from "@/api/queries";
import type { AuditEntry } from "@/api/types";
import { type Col, DataTable, Empty, Failed, Loading, Page, Time, useFreshFirst, useItems } from "@/parts";
import { t } from "@/texts/watch";

const COLUMNS: Col<AuditEntry>[] = [
  { id: "at", header: t.audit.at, width: 160, cell: (row) => <Time at={row.at} /> },
  { id: "who", header: t.audit.who, width: 140, cell: (row) => row.who },
  { id: "action", header: t.audit.action, cell: (row) => <span className="mono">{row.action}</span> },
  { id: "what", header: t.audit.what, cell: (row) => row.what },
  { id: "from", header: t.audit.from, width: 160, cell: (row) => row.from },
  { id: "result", header: t.audit.result, width: 110, cell: (row) => row.result },
];

export function AuditPage() {
  const { query, items, more } = useItems(listOptions<AuditEntry>(["audit"], "/audit"));
  useFreshFirst<AuditEntry>({ key: ["audit"], path: "/audit", idOf: (entry) => String(entry.id), every: 15_000 });
  return (
    <Page
      title={t.audit.title}
      description={t.audit.about}
      width="fill"
      actions={(["csv", "ndjson"] as const).map((format) => (
        <Button key={format} component="a" variant="default" href={address("/audit/export", { format })} download>
          {t.audit.export(format.toUpperCase())}
        </Button>
      ))}
    >
      {query.isError && items === undefined ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : items === undefined ? (
        <Loading rows={10} />
      ) : (
        <DataTable label={t.audit.title} rows={items} columns={COLUMNS} rowKey={(row) => String(row.id)} onEnd={more} minWidth={860} empty={<Empty icon={IconListDetails} title={t.audit.none}>{t.audit.noneHint}</Empty>} />
      )}
    </Page>
  );
}
