import { IconHistory } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { keys, listOptions } from "@/api/queries";
import type { Version } from "@/api/types";
import { type Col, DataTable, Empty, Failed, Loading, Page, Time, useItems } from "@/parts";
import { t } from "@/texts/pages/versions";
import { placeText } from "@/texts/service";

export function VersionsPage() {
  const { query, items, more } = useItems(listOptions<Version>(keys.versions, "/versions"));
  const navigate = useNavigate();
  const columns: Col<Version>[] = [
    { id: "version", header: t.version, width: 100, cell: (row) => <Link to="/versions/$version" params={{ version: String(row.version) }}>{row.version}</Link> },
    { id: "at", header: t.at, width: 170, cell: (row) => <Time at={row.at} /> },
    { id: "author", header: t.author, width: 200, cell: (row) => row.author },
    { id: "changes", header: t.changes, cell: (row) => `${t.count(row.changes.length)}: ${row.changes.slice(0, 4).map((change) => placeText(change.path)).join(", ")}` },
  ];
  return (
    <Page title={t.title} description={t.about} width="fill">
      {query.isError && items === undefined ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : items === undefined ? (
        <Loading rows={8} />
      ) : (
        <DataTable
          label={t.title}
          rows={items}
          columns={columns}
          rowKey={(row) => String(row.version)}
          onEnd={more}
          minWidth={720}
          onOpen={(row) => void navigate({ to: "/versions/$version", params: { version: String(row.version) } })}
          empty={<Empty icon={IconHistory} title={t.none}>{t.noneHint}</Empty>}
        />
      )}
    </Page>
  );
}
