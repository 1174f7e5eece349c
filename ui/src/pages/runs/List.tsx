import { Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import { IconChartBar, IconChartDots3 } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { at } from "@/api/client";
import { queries } from "@/api/queries";
import type { Run } from "@/api/types";
import { type Col, DataTable, duration, Empty, Failed, Loading, NOT_YET, Num, onlyCompares, OutcomeBar, Page, RowLink, RunStatus, Time, useItems } from "@/parts";
import { SentCharts } from "@/resources/charts/SentCharts";
import { t as charts } from "@/texts/charts";
import { t as states } from "@/texts/states";
import { t } from "@/texts/pages/runs";
import { useFreshRuns } from "./list/updates";

const STATUSES = ["queued", "running", "succeeded", "partial", "failed", "cancelled", "interrupted"];

// created once, so that rows are not rendered again with the list
const COLUMNS: Col<Run>[] = [
  { id: "status", header: t.columns.status, width: 214, cell: (run) => <RunStatus run={run} /> },
  { id: "of", header: t.columns.target, cell: (run) => run.flow ?? run.destination },
  { id: "outcomes", header: t.columns.outcomes, width: 140, cell: (run) => <Outcomes run={run} /> },
  { id: "records", header: t.columns.records, width: 80, align: "right", cell: (run) => (onlyCompares(run) ? "–" : <Num value={run.records.read ?? 0} />) },
  { id: "requests", header: t.columns.requests, width: 84, align: "right", cell: (run) => <Num value={run.requests} /> },
  { id: "took", header: t.columns.took, width: 84, align: "right", cell: (run) => duration(run.duration_s) },
  { id: "started", header: t.columns.started, width: 130, cell: (run) => <Time at={run.started_at} none={NOT_YET} /> },
  { id: "by", header: t.columns.by, width: 110, cell: (run) => run.asked_by ?? run.trigger ?? "" },
  { id: "run", header: t.columns.run, width: 196, cell: (run) => <RowLink to={at`/runs/${run.run}`} className="mono">{run.run}</RowLink> },
];

function Outcomes({ run }: { run: Run }) {
  if (onlyCompares(run)) return <span className="muted">{states.comparison}</span>;
  return (
    <span style={{ display: "flex", alignItems: "center", gap: 6 }}>
      <OutcomeBar counts={run.records} /> {run.deleted > 0 && <span className="muted num">{states.deleted(run.deleted)}</span>}
    </span>
  );
}

export function RunsPage() {
  const search = useSearch({ from: "/shell/runs" });
  const { hours = 24, charts: hidden, ...listed } = search;
  const navigate = useNavigate({ from: "/runs" });
  const { query, items, more } = useItems(queries.runs(listed));
  useFreshRuns(listed, 5_000);
  const filters = (
    <div style={{ display: "flex", gap: 8, flexWrap: "wrap", alignItems: "center" }}>
      <Select
        aria-label={t.status}
        placeholder={`${t.status}: ${t.any}`}
        clearable
        clearButtonProps={{ "aria-label": t.any }}
        data={STATUSES.map((value) => ({ value, label: states.words[value] ?? value }))}
        value={search.status ?? null}
        onChange={(status) => void navigate({ search: (old) => ({ ...old, status: status ?? undefined }), replace: true })}
      />
      <TextInput
        aria-label={t.target}
        placeholder={t.target}
        defaultValue={search.target ?? ""}
        onBlur={(event) => void navigate({ search: (old) => ({ ...old, target: event.currentTarget?.value || undefined }), replace: true })}
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
      />
      <span style={{ flex: 1 }} />
      {hidden === undefined && (
        <SegmentedControl
          aria-label={charts.range}
          value={String(hours)}
          onChange={(input) => void navigate({ search: (old) => ({ ...old, hours: input === "24" ? undefined : Number(input) }), replace: true })}
          data={Object.entries(charts.ranges).map(([value, label]) => ({ value, label }))}
        />
      )}
      <Button variant="default" leftSection={<IconChartBar size={14} />} aria-expanded={hidden === undefined} onClick={() => void navigate({ search: (old) => ({ ...old, charts: old.charts === undefined ? ("off" as const) : undefined }), replace: true })}>
        {hidden === undefined ? charts.hide : charts.show}
      </Button>
    </div>
  );
  return (
    <Page title={t.title} description={t.about} below={filters} width="fill">
      {hidden === undefined && <SentCharts hours={hours} />}
      {query.isError && items === undefined ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : items === undefined ? (
        <Loading rows={10} />
      ) : (
        <DataTable
          label={t.title}
          rows={items}
          columns={COLUMNS}
          rowKey={(run) => run.run}
          onEnd={more}
          minWidth={1100}
          onOpen={(run) => void navigate({ to: "/runs/$run", params: { run: run.run } })}
          empty={
            <Empty icon={IconChartDots3} title={search.status || search.target ? t.noneFound : t.none}>
              {t.noneHint}
            </Empty>
          }
        />
      )}
    </Page>
  );
}
