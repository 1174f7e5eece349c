/** The replies to a destination, newest first, with the chosen reply beside the list. */
import { ActionIcon } from "@mantine/core";
import { IconMessageReply, IconX } from "@tabler/icons-react";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { at } from "@/api/client";
import { listOptions } from "@/api/queries";
import type { Reply } from "@/api/types";
import { Code, type Col, DataTable, duration, Empty, Facts, Failed, Key, Loading, Num, Page, Panel, pretty, Status, Time, useFreshFirst, useItems } from "@/parts";
import { DatasetMenu } from "@/resources/datasets/Menu";
import classes from "@/resources/style.module.css";
import { t } from "@/texts/pages/responses";

const COLUMNS: Col<Reply>[] = [
  { id: "outcome", header: t.outcome, width: 130, cell: (row) => <Status of={row.outcome} /> },
  { id: "status", header: t.status, width: 80, cell: (row) => statusOf(row) },
  { id: "records", header: t.records, width: 90, align: "right", cell: (row) => <Num value={row.records.length} /> },
  { id: "ms", header: t.ms, width: 100, align: "right", by: (row) => row.duration_ms, cell: (row) => (row.duration_ms === null ? "–" : duration(row.duration_ms / 1000)) },
  { id: "at", header: t.at, width: 150, by: (row) => row.sent_at, cell: (row) => <Time at={row.sent_at} /> },
  { id: "reply", header: t.reply, cell: (row) => <span className="mono">{row.error ?? bodyOf(row)}</span> },
];

export function RepliesPage() {
  const { destination } = useParams({ from: "/shell/responses/$destination" });
  const { open } = useSearch({ from: "/shell/responses/$destination" });
  const navigate = useNavigate({ from: "/responses/$destination" });
  const list = { key: ["responses", destination], path: at`/responses/${destination}` };
  const { query, items, more } = useItems(listOptions<Reply>(list.key, list.path));
  useFreshFirst<Reply>({ ...list, idOf: (reply) => String(reply.id), every: 10_000 });
  const show = (id: number | undefined) => void navigate({ search: { open: id }, replace: true });
  const shown = items?.find((reply) => reply.id === open);
  const source = `${destination}.responses`;
  return (
    <Page
      title={t.of(destination)}
      crumbs={[{ label: t.title, to: "/responses" }]}
      description={t.asSource(source)}
      width="fill"
      actions={
        <DatasetMenu name={source} full />
      }
    >
      {query.isError && items === undefined ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : items === undefined ? (
        <Loading rows={8} />
      ) : (
        <div className={shown ? classes.split : undefined} style={{ minHeight: 0 }}>
          <DataTable
            label={t.of(destination)}
            rows={items}
            columns={COLUMNS}
            rowKey={(row) => String(row.id)}
            onEnd={more}
            onOpen={(row) => show(row.id === open ? undefined : row.id)}
            openKey={open === undefined ? null : String(open)}
            height={640}
            minWidth={760}
            empty={
              <Empty icon={IconMessageReply} title={t.noRecords}>
                {t.noRecordsHint}
              </Empty>
            }
          />
          {shown && <Whole reply={shown} close={() => show(undefined)} />}
        </div>
      )}
    </Page>
  );
}

const statusOf = (reply: Reply): string => String(reply.response?.status ?? "–");
const bodyOf = (reply: Reply): string => reply.response?.body ?? "";

function Whole({ reply, close }: { reply: Reply; close: () => void }) {
  return (
    <aside className={classes.side} aria-label={t.reply}>
      <Panel
        title={t.reply}
        actions={
          <ActionIcon aria-label={t.close} onClick={close}>
            <IconX size={16} />
          </ActionIcon>
        }
      >
        <div className={classes.form}>
          <Facts
            items={[
              [t.outcome, <Status key="o" of={reply.outcome} />],
              [t.status, statusOf(reply)],
              [t.at, <Time key="a" at={reply.sent_at} relative={false} />],
              [t.attempt, String(reply.attempt)],
              [t.run, <Link key="r" to="/runs/$run" params={{ run: reply.run }} className="mono">{reply.run}</Link>],
              [t.request, <Link key="d" to="/runs/$run/deliveries/$delivery" params={{ run: reply.run, delivery: reply.delivery }} className="mono">{reply.delivery}</Link>],
              [t.records, reply.records.slice(0, 12).map((key, i) => <span key={i}><Key value={key} /> </span>)],
              ...(reply.error === null ? [] : ([[t.error, reply.error]] as [string, string][])),
            ]}
          />
          <Code value={pretty(bodyOf(reply))} language="json" label={t.reply} readOnly maxHeight={260} />
          <p className={classes.label}>{t.document}</p>
          <Code value={JSON.stringify(reply, null, 2)} language="json" label={t.document} readOnly maxHeight={320} />
        </div>
      </Panel>
    </aside>
  );
}
