import { Button } from "@mantine/core";
import { IconPlus, IconTarget } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { queries } from "@/api/queries";
import type { Destination } from "@/api/types";
import { type Col, DataTable, Empty, Loaded, Loading, NOT_YET, Num, Page, RunStatus, Status, Time } from "@/parts";
import { t } from "@/texts/pages/destinations";
import { DestinationMenu } from "./actions/Menu";

export const sends = ({ value }: Destination): string =>
  value.request ? t.manual(value.request.method, value.request.url) : (value.template?.replaceAll("_", " ") ?? value.path ?? "");

export function DestinationsPage() {
  const query = useQuery({ ...queries.kind("destinations"), refetchInterval: 10_000 });
  const navigate = useNavigate();
  const create = (
    <Button component={Link} to="/destinations/new" leftSection={<IconPlus size={14} />}>
      {t.create}
    </Button>
  );
  const columns: Col<Destination>[] = [
    { id: "name", header: t.columns.name, by: (row) => row.name, cell: (row) => <Link to="/destinations/$name" params={{ name: row.name }}>{row.name}</Link> },
    { id: "state", header: t.columns.state, width: 110, by: (row) => row.state.state, cell: (row) => <Status of={row.state.state} /> },
    { id: "what", header: t.columns.what, by: sends, cell: (row) => sends(row) },
    { id: "dataset", header: t.columns.dataset, by: (row) => row.value.dataset, cell: (row) => row.value.dataset },
    { id: "credential", header: t.columns.credential, by: (row) => row.value.credential, cell: (row) => row.value.credential },
    { id: "held", header: t.columns.quarantine, width: 90, align: "right", by: (row) => row.state.held, cell: (row) => (row.state.held > 0 ? <Num value={row.state.held} /> : <span className="muted">0</span>) },
    {
      id: "run",
      header: t.columns.run,
      width: 210,
      by: (row) => row.state.last_run?.started_at ?? "",
      cell: (row) =>
        row.state.last_run ? (
          <span style={{ display: "flex", alignItems: "center", gap: 6 }}>
            <RunStatus run={row.state.last_run} plain /> <Time at={row.state.last_run.started_at} none={NOT_YET} />
          </span>
        ) : (
          <Time at={null} />
        ),
    },
    { id: "actions", header: "", width: 52, cell: (row) => <DestinationMenu destination={row} /> },
  ];
  return (
    <Page title={t.title} description={t.about} actions={create} width="fill">
      <Loaded query={query} meanwhile={<Loading rows={6} />}>
        {(rows) => (
          <DataTable
            label={t.title}
            rows={rows}
            columns={columns}
            rowKey={(row) => row.name}
            minWidth={860}
            onOpen={(row) => void navigate({ to: "/destinations/$name", params: { name: row.name } })}
            empty={
              <Empty icon={IconTarget} title={t.none} actions={create}>
                {t.noneHint}
              </Empty>
            }
          />
        )}
      </Loaded>
    </Page>
  );
}
