/** The resources of a kind, as a table. */
import { Button } from "@mantine/core";
import { IconPlus, type TablerIcon } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { queries } from "@/api/queries";
import type { Resource } from "@/api/types";
import { type Col, DataTable, Empty, Loaded, Loading, Page } from "@/parts";
import { t } from "@/texts/resources";
import type { EditedKind } from "./Editor";

interface Props<R> {
  kind: EditedKind;
  icon: TablerIcon;
  columns: Col<R>[];
}

export function ResourceList<R extends Resource>({ kind, icon, columns }: Props<R>) {
  const query = useQuery({ ...queries.kind(kind), refetchInterval: 15_000 });
  const navigate = useNavigate();
  const words = t.kinds[kind];
  const create = (
    <Button component={Link} to={`/${kind}/new`} leftSection={<IconPlus size={14} />}>
      {words.new}
    </Button>
  );
  const open = (name: string) => void navigate({ to: `/${kind}/$name`, params: { name } });
  const named: Col<R> = { id: "name", header: t.name, by: (row) => row.name, cell: (row) => <Link to={`/${kind}/$name`} params={{ name: row.name }}>{row.name}</Link> };
  return (
    <Page title={words.title} description={words.about} actions={create} width="fill">
      <Loaded query={query} meanwhile={<Loading rows={6} />}>
        {(rows) => (
          <DataTable
            label={words.title}
            rows={rows as unknown as R[]}
            columns={[named, ...columns]}
            rowKey={(row) => row.name}
            onOpen={(row) => open(row.name)}
            minWidth={720}
            empty={
              <Empty icon={icon} title={words.none} actions={create}>
                {words.hint}
              </Empty>
            }
          />
        )}
      </Loaded>
    </Page>
  );
}
