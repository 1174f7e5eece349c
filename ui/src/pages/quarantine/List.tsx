/** The records in quarantine: groups by cause, then the records of a group. */
import { Button } from "@mantine/core";
import { IconShieldCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { api, at } from "@/api/client";
import { keys, listOptions, queries } from "@/api/queries";
import type { Discard, Discarded, Items, QuarantineEntry, QuarantineGroup, Run } from "@/api/types";
import { type Col, confirm, DataTable, Empty, Failed, Key, Loaded, Loading, Num, Page, RowLink, Status, Time, useChange, useFreshFirst, useItems } from "@/parts";
import { refusalLine, refusalText } from "@/texts/refusals";
import { t } from "@/texts/pages/quarantine";
import { t as runs } from "@/texts/pages/runs";
import { useFollow } from "@/resources/runs/progress";
import { UnknownRecords } from "@/resources/runs/UnknownRecords";
import { DiscardsUnderWay } from "./discards/Progress";

export function QuarantinePage() {
  const search = useSearch({ from: "/shell/quarantine" });
  return search.cause === undefined ? <Groups destination={search.destination} /> : <Entries cause={search.cause} destination={search.destination} />;
}

function Groups({ destination }: { destination: string | undefined }) {
  const query = useQuery(queries.quarantineGroups());
  const follow = useFollow();
  const navigate = useNavigate();
  const shown = (query.data ?? []).filter((group) => destination === undefined || group.destination === destination);
  const all = shown.reduce((sum, group) => sum + group.count, 0);
  const unknown = shown.filter((group) => group.outcome === "unknown").reduce((sum, group) => sum + group.count, 0);
  const resend = useChange({
    run: () => api.post<Items<Run>>("/quarantine/resend", destination === undefined ? { all: true } : { destination }),
    done: () => t.resent,
    refresh: [keys.quarantine, keys.runs, keys.kind("destinations")],
    then: follow,
  });
  const askResend = async () => {
    if (await confirm({ title: t.resendTitle(all), consequence: t.resendText(unknown), verb: t.resendAll(all), tone: "plain" })) resend.mutate();
  };
  const columns: Col<QuarantineGroup>[] = [
    { id: "outcome", header: runs.outcome, width: 140, cell: (row) => <Status of={row.outcome} /> },
    { id: "count", header: t.count, width: 90, align: "right", by: (row) => row.count, cell: (row) => <Num value={row.count} /> },
    { id: "destination", header: t.destination, width: 180, by: (row) => row.destination, cell: (row) => row.destination },
    { id: "cause", header: t.cause, width: 200, by: (row) => row.cause, cell: (row) => <Link to="/quarantine" search={{ cause: row.cause, destination: row.destination }}>{row.cause}</Link> },
    { id: "reason", header: runs.reason, cell: (row) => <span title={refusalLine(row)}>{refusalText(row)}</span> },
    { id: "last", header: t.latest, width: 150, by: (row) => row.last_at, cell: (row) => <Time at={row.last_at} /> },
  ];
  return (
    <Page
      title={t.title}
      description={t.about}
      width="fill"
      actions={
        all > 0 && (
          <Button variant="default" onClick={() => void askResend()} loading={resend.isPending}>
            {t.resendAll(all)}
          </Button>
        )
      }
    >
      <DiscardsUnderWay />
      {destination !== undefined && <UnknownRecords destination={destination} />}
      <Loaded query={query} meanwhile={<Loading rows={6} />}>
        {() => (
          <DataTable
            label={t.groups}
            rows={shown}
            columns={columns}
            rowKey={(row) => JSON.stringify([row.destination, row.cause, row.outcome, row.field])}
            minWidth={860}
            onOpen={(row) => void navigate({ to: "/quarantine", search: { cause: row.cause, destination: row.destination } })}
            empty={
              <Empty icon={IconShieldCheck} title={t.none}>
                {t.noneHint}
              </Empty>
            }
          />
        )}
      </Loaded>
    </Page>
  );
}

// created once, so that rows are not rendered again with the list
const ENTRIES: Col<QuarantineEntry>[] = [
  { id: "key", header: runs.key, width: 200, cell: (row) => <RowLink to={at`/quarantine/${row.id}`}><Key value={row.key} /></RowLink> },
  { id: "outcome", header: runs.outcome, width: 140, cell: (row) => <Status of={row.outcome} /> },
  { id: "destination", header: t.destination, width: 160, cell: (row) => row.destination },
  { id: "field", header: runs.field, width: 140, cell: (row) => row.field && <code>{row.field}</code> },
  { id: "reason", header: runs.reason, cell: (row) => <span title={refusalLine(row)}>{refusalText(row)}</span> },
  { id: "at", header: t.since, width: 150, cell: (row) => <Time at={row.at} /> },
];

function Entries({ cause, destination }: { cause: string; destination: string | undefined }) {
  const list = { key: keys.quarantine, path: "/quarantine", query: { cause, destination } };
  const { query, items, more } = useItems(listOptions<QuarantineEntry>(list.key, list.path, list.query));
  useFreshFirst<QuarantineEntry>({ ...list, idOf: (entry) => entry.id, every: 15_000 });
  const groups = useQuery(queries.quarantineGroups());
  const navigate = useNavigate();
  const mine = (groups.data ?? []).filter((group) => group.cause === cause && (destination === undefined || group.destination === destination));
  const all = mine.reduce((sum, group) => sum + group.count, 0);
  const unknown = mine.filter((group) => group.outcome === "unknown").reduce((sum, group) => sum + group.count, 0);
  const chosen = { cause, ...(destination !== undefined && { destination }) };
  const refresh = [keys.quarantine, keys.runs, keys.kind("destinations")];
  const follow = useFollow();
  const resend = useChange({ run: () => api.post<Items<Run>>("/quarantine/resend", chosen), done: () => t.resent, refresh, then: follow });
  const discard = useChange({
    run: () => api.post<Discarded | Discard>("/quarantine/discard", { ...chosen, reason: "" }),
    done: (done) => ("id" in done ? t.discarding(done.discarded, done.total) : t.discarded(done.discarded)),
    refresh,
    then: () => navigate({ to: "/quarantine" }),
  });
  const askResend = async () => {
    const sure = unknown === 0 || (await confirm({ title: t.resendTitle(all), consequence: t.resendText(unknown), verb: t.resendAll(all), tone: "plain" }));
    if (sure) resend.mutate();
  };
  const askDiscard = async () => {
    if (await confirm({ title: t.discardTitle(all), consequence: t.discardText(all), verb: t.discardAll(all) })) discard.mutate();
  };
  return (
    <Page
      title={cause}
      crumbs={[{ label: t.title, to: "/quarantine" }]}
      width="fill"
      actions={
        <>
          <Button variant="default" color="red" onClick={() => void askDiscard()} loading={discard.isPending} disabled={all === 0}>
            {t.discardAll(all)}
          </Button>
          <Button {...(unknown > 0 && { variant: "default" })} onClick={() => void askResend()} loading={resend.isPending} disabled={all === 0}>
            {t.resendAll(all)}
          </Button>
        </>
      }
    >
      <DiscardsUnderWay />
      {destination !== undefined && groups.data !== undefined && (unknown > 0 || all === 0) && <UnknownRecords destination={destination} />}
      {query.isError && items === undefined ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : items === undefined ? (
        <Loading rows={8} />
      ) : (
        <DataTable
          label={t.entries}
          rows={items}
          columns={ENTRIES}
          rowKey={(row) => row.id}
          onEnd={more}
          minWidth={860}
          onOpen={(row) => void navigate({ to: "/quarantine/$id", params: { id: row.id } })}
          empty={<Empty icon={IconShieldCheck} title={t.none} />}
        />
      )}
    </Page>
  );
}
