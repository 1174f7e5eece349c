/** The canvas as a list with one row per connection. */
import { Link } from "@tanstack/react-router";
import { type Col, DataTable, NOT_YET, Num, OutcomeBar, RunStatus, Status, Time } from "@/parts";
import { DatasetMenu } from "@/resources/datasets/Menu";
import { t } from "@/texts/pages/flows";
import { addressOf, type Graph, type Path, pathsOf } from "../canvas/graph";

export function FlowList({ graph, flowsOf }: { graph: Graph; flowsOf: (destination: string) => string[] }) {
  const none = <span className="muted">–</span>;
  const columns: Col<Path>[] = [
    { id: "source", header: t.columnsOf.source, by: (path) => path.source?.name, cell: (path) => (path.source ? <Link to={addressOf(path.source)}>{path.source.name}</Link> : none) },
    {
      id: "dataset",
      header: t.columnsOf.dataset,
      by: (path) => path.dataset?.name,
      cell: (path) =>
        path.dataset ? (
          <span style={{ display: "flex", gap: 8, alignItems: "center" }}>
            <Link to={addressOf(path.dataset)} className="truncate">
              {path.dataset.name}
            </Link>
            <DatasetMenu name={path.dataset.name} />
          </span>
        ) : (
          none
        ),
    },
    { id: "destination", header: t.columnsOf.destination, by: (path) => path.destination?.name, cell: (path) => (path.destination ? <Link to={addressOf(path.destination)}>{path.destination.name}</Link> : none) },
    { id: "state", header: t.columnsOf.state, width: 110, by: (path) => path.destination?.state.state, cell: (path) => (path.destination ? <Status of={path.destination.state.state} /> : none) },
    {
      id: "flows",
      header: t.columnsOf.flows,
      width: 150,
      cell: (path) =>
        flowsOf(path.destination?.name ?? "").map((flow, i) => (
          <span key={flow}>
            {i > 0 && ", "}
            <Link to="/flows/$name" params={{ name: flow }}>
              {flow}
            </Link>
          </span>
        )),
    },
    { id: "outcomes", header: t.columnsOf.outcomes, width: 130, cell: (path) => path.destination?.state.last_run && <OutcomeBar counts={path.destination.state.last_run.records} /> },
    {
      id: "run",
      header: t.columnsOf.run,
      width: 210,
      by: (path) => path.destination?.state.last_run?.started_at,
      cell: (path) => {
        const run = path.destination?.state.last_run;
        return run ? (
          <Link to="/runs/$run" params={{ run: run.run }} style={{ display: "inline-flex", gap: 6, alignItems: "center" }}>
            <RunStatus run={run} plain /> <Time at={run.started_at} none={NOT_YET} />
          </Link>
        ) : (
          none
        );
      },
    },
    { id: "held", header: t.columnsOf.quarantine, width: 80, align: "right", by: (path) => path.destination?.state.held, cell: (path) => <Num value={path.destination?.state.held ?? 0} /> },
  ];
  return <DataTable label={t.paths} rows={pathsOf(graph)} columns={columns} rowKey={(path) => path.id} minWidth={1020} />;
}
