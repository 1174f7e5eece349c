/** The people of a dataset that Custify would hold twice, from its records alone. */
import { useQuery } from "@tanstack/react-query";
import { queryOptions } from "@tanstack/react-query";
import { api, at } from "@/api/client";
import type { Identity } from "@/api/types";
import { type Col, DataTable, Empty, Loaded } from "@/parts";
import { number } from "@/parts/values/format";
import { t } from "@/texts/pages/identity";

const identity = (name: string) =>
  queryOptions({ queryKey: ["datasets", name, "identity"], queryFn: ({ signal }) => api.get<Identity>(at`/datasets/${name}/identity`, { signal }), retry: false });

interface Line {
  value: string;
  others: string;
  records: number;
}

export function People({ name }: { name: string }) {
  const query = useQuery(identity(name));
  return (
    <Loaded query={query} height={240}>
      {(found) => <Lists found={found} />}
    </Loaded>
  );
}

function Lists({ found }: { found: Identity }) {
  const lists = [
    { title: t.emails, value: t.email, others: t.userIds, all: found.counts.email_several_ids, lines: found.email_several_ids.map((each) => line(each.email, each.ids, each)) },
    { title: t.ids, value: t.id, others: t.mails, all: found.counts.id_several_emails, lines: found.id_several_emails.map((each) => line(each.id, each.emails, each)) },
    { title: t.shortened, value: t.id, others: null, all: found.counts.scientific_ids, lines: found.scientific_ids.map((each) => ({ value: each.id, others: "", records: each.records })) },
  ].filter((list) => list.lines.length > 0);
  return (
    <div style={{ display: "grid", gap: 20 }}>
      {found.sources.map((source) => (
        <p key={`${source.id} ${source.email}`} className="muted" style={{ margin: 0 }}>
          {t.columns(source.id, source.email)}
        </p>
      ))}
      {lists.length === 0 && <Empty title={t.none}>{t.noneHint(found.records)}</Empty>}
      {lists.map((list) => (
        <section key={list.title}>
          <h3>{list.title}</h3>
          {(list.all ?? 0) > list.lines.length && <p className="muted">{t.first(list.lines.length, list.all ?? 0)}</p>}
          <DataTable label={list.title} rows={list.lines} columns={columns(list.value, list.others)} rowKey={(each) => each.value} />
        </section>
      ))}
    </div>
  );
}

function line(value: string, others: string[], { count, records }: { count: number; records: number }): Line {
  return { value, others: others.join(", ") + (count > others.length ? t.more(count - others.length) : ""), records };
}

function columns(value: string, others: string | null): Col<Line>[] {
  const records: Col<Line> = { id: "records", header: t.records, width: 110, cell: (each) => number(each.records) };
  const first: Col<Line> = { id: "value", header: value, width: 300, cell: (each) => <code>{each.value}</code> };
  return others === null ? [first, records] : [first, { id: "others", header: others, cell: (each) => each.others }, records];
}
