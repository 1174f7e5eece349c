/** What is connected with what: the overview as nodes and edges of the canvas, and as rows of the list. Pure. */
import type { DatasetNode, DestinationNode, FlowNode, Overview, Run, SourceNode } from "@/api/types";

export type GraphNode = SourceNode | DatasetNode | DestinationNode;
export interface GraphEdge {
  id: string;
  from: string;
  to: string;
  /** Records move along it now. */
  live: boolean;
  /** Replies that come back as records. */
  back: boolean;
}
export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export const isLive = (run: Run | null): boolean => run !== null && (run.status === "running" || run.status === "queued");
export const flowsOf = (overview: Overview): FlowNode[] => overview.nodes.filter((node) => node.kind === "flow");
/** The flows that run a destination. */
export const flowsWith = (overview: Overview, destination: string): string[] =>
  flowsOf(overview)
    .filter((flow) => flow.destinations.includes(destination))
    .map((flow) => flow.name);

const SHOWN = new Set(["source", "dataset", "destination"]);
const WAYS = new Set(["reads", "feeds", "replies"]);

export function graphOf(overview: Overview): Graph {
  const nodes = overview.nodes.filter((node): node is GraphNode => SHOWN.has(node.kind));
  const known = new Set(nodes.map((node) => node.id));
  const ways = overview.edges.filter((edge) => WAYS.has(edge.kind) && known.has(edge.from) && known.has(edge.to));
  const running = new Set(nodes.filter((node) => node.kind === "destination" && isLive(node.state.last_run)).map((node) => node.id));
  const live = upstream(ways.filter((edge) => edge.kind !== "replies"), running);
  return {
    nodes,
    edges: ways.map((edge) => ({ id: `${edge.from}→${edge.to}`, from: edge.from, to: edge.to, live: edge.kind === "replies" ? running.has(edge.from) : live.has(edge.to), back: edge.kind === "replies" })),
  };
}

/** These and all that feeds them. */
function upstream(edges: { from: string; to: string }[], of: Set<string>): Set<string> {
  const wanted = new Set(of);
  const open = [...wanted];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const edge of edges) {
      if (edge.to !== id || wanted.has(edge.from)) continue;
      wanted.add(edge.from);
      open.push(edge.from);
    }
  }
  return wanted;
}

/** Of a graph what feeds the destinations of one flow. */
export function ofFlow(graph: Graph, flow: FlowNode): Graph {
  const ends = graph.nodes.filter((node) => node.kind === "destination" && flow.destinations.includes(node.name));
  const wanted = upstream(graph.edges, new Set(ends.map((node) => node.id)));
  return { nodes: graph.nodes.filter((node) => wanted.has(node.id)), edges: graph.edges.filter((edge) => wanted.has(edge.from) && wanted.has(edge.to)) };
}

/** One connection as a row; what leads nowhere yet has a row too. */
export interface Path {
  id: string;
  source: SourceNode | null;
  dataset: DatasetNode | null;
  destination: DestinationNode | null;
}
export function pathsOf({ nodes, edges }: Graph): Path[] {
  const by = new Map(nodes.map((node) => [node.id, node]));
  const next = (id: string, kind: string): GraphNode[] => edges.filter((edge) => edge.from === id && by.get(edge.to)?.kind === kind).map((edge) => by.get(edge.to) as GraphNode);
  const paths: Path[] = [];
  const ended = (source: SourceNode | null, dataset: DatasetNode): void => {
    const ends = next(dataset.id, "destination") as DestinationNode[];
    for (const destination of ends) paths.push({ id: destination.id, source, dataset, destination });
    if (ends.length === 0) paths.push({ id: dataset.id, source, dataset, destination: null });
  };
  for (const node of nodes) {
    if (node.kind === "source") {
      const datasets = next(node.id, "dataset") as DatasetNode[];
      for (const dataset of datasets) ended(node, dataset);
      if (datasets.length === 0) paths.push({ id: node.id, source: node, dataset: null, destination: null });
    } else if (node.kind === "dataset" && !edges.some((edge) => edge.to === node.id)) ended(null, node);
  }
  return paths;
}

/** The next step of who has begun and not arrived: a source without dataset, else a dataset while nothing is sent at all. */
export function nextStep({ nodes }: Graph): { kind: "dataset" | "destination"; of: string } | null {
  const first = (kind: string) => nodes.find((node) => node.kind === kind);
  const [source, dataset] = [first("source"), first("dataset")];
  if (dataset === undefined) return source === undefined ? null : { kind: "dataset", of: source.name };
  return first("destination") === undefined ? { kind: "destination", of: dataset.name } : null;
}

/** Where a node is shown. */
export function addressOf(node: GraphNode): string {
  if (node.kind === "source" && node.type === "responses") return `/responses/${encodeURIComponent(node.name.replace(/\.responses$/, ""))}`;
  return `/${node.kind}s/${encodeURIComponent(node.name)}`;
}
