/** The destinations that store their replies. */
import { Button } from "@mantine/core";
import { IconMessageReply } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { queries } from "@/api/queries";
import type { Destination } from "@/api/types";
import { type Col, DataTable, Empty, Loaded, Loading, NOT_YET, Page, RunStatus, Time } from "@/parts";
import { t } from "@/texts/pages/responses";

export function ResponsesPage() {
  const query = useQuery(queries.kind("destinations"));
  const datasets = useQuery(queries.kind("datasets"));
  const navigate = useNavigate();
  const using = (destination: string): { to: string; name: string }[] => {
    const own = `${destination}.responses`;
    return [
      ...(datasets.data ?? []).filter((dataset) => dataset.value.source === own).map(({ name }) => ({ to: `/datasets/${encodeURIComponent(name)}`, name })),
      ...(query.data ?? []).filter((other) => other.value.dataset === own).map(({ name }) => ({ to: `/destinations/${encodeURIComponent(name)}`, name })),
    ];
  };
  const columns: Col<Destination>[] = [
    { id: "name", header: t.destination, by: (row) => row.name, cell: (row) => <Link to="/responses/$destination" params={{ destination: row.name }}>{row.name}</Link> },
    { id: "source", header: t.source, cell: (row) => <Link to="/datasets/$name" params={{ name: `${row.name}.responses` }} className="mono">{`${row.name}.responses`}</Link> },
    {
      id: "used",
      header: t.usedBy,
      cell: (row) =>
        using(row.name).map(({ to, name }, i) => (
          <span key={to}>
            {i > 0 && ", "}
            <Link to={to}>{name}</Link>
          </span>
        )),
    },
    { id: "run", header: t.run, width: 210, cell: (row) => (row.state.last_run ? <><RunStatus run={row.state.last_run} plain /> <Time at={row.state.last_run.started_at} none={NOT_YET} /></> : <Time at={null} />) },
  ];
  return (
    <Page title={t.title} description={t.about} width="fill">
      <Loaded query={query} meanwhile={<Loading rows={6} />}>
        {(all) => (
          <DataTable
            label={t.list}
            rows={all.filter((one) => one.value.responses === true)}
            columns={columns}
            rowKey={(row) => row.name}
            minWidth={720}
            onOpen={(row) => void navigate({ to: "/responses/$destination", params: { destination: row.name } })}
            empty={
              <Empty
                icon={IconMessageReply}
                title={t.none}
                actions={
                  <Button component={Link} to="/destinations" variant="default">
                    {t.toDestinations}
                  </Button>
                }
              >
                {t.noneHint}
              </Empty>
            }
          />
        )}
      </Loaded>
    </Page>
  );
}
