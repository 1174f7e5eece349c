import { IconHistory } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { keys, listOptions } from "@/api/queries";
import type { Version } from "@/api/types";
import { type Col, DataTable, Empty, Failed, Loading, Page, Time, useItems } from "@/parts";
import { t as words } from "@/texts/resources";
import { t } from "@/texts/watch";

export function VersionsPage() {
  const { query, items, more } = useItems(listOptions<Version>(keys.versions, "/versions"));
  const navigate = useNavigate();
  const columns: Col<Version>[] = [
    { id: "version", header: t.versions.version, width: 100, cell: (row) => <Link to="/versions/$version" params={{ version: String(row.version) }}>{row.version}</Link> },
    { id: "at", header: t.versions.at, width: 170, cell: (row) => <Time at={row.at} /> },
    { id: "author", header: t.versions.author, width: 200, cell: (row) => row.author },
    { id: "changes", header: t.versions.changes, cell: (row) => `${words.versions.changes(row.changes.length)}: ${row.changes.slice(0, 4).map((change) => change.path).join(", ")}` },
  ];
  return (
    <Page title={t.versions.title} description={t.versions.about} width="fill">
      {query.isError && items === undefined ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : items === undefined ? (
        <Loading rows={8} />
      ) : (
        <DataTable
          label={t.versions.title}
          rows={items}
          columns={columns}
          rowKey={(row) => String(row.version)}
          onEnd={more}
          minWidth={720}
          onOpen={(row) => void navigate({ to: "/versions/$version", params: { version: String(row.version) } })}
          empty={<Empty icon={IconHistory} title={t.versions.none}>{t.versions.noneHint}</Empty>}
        />
      )}
    </Page>
  );
}
