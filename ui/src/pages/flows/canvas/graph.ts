/** The overview as nodes and edges of the canvas, and as rows of the list. Pure. */
import type { DatasetNode, DestinationNode, FlowNode, Overview, RunStatus, SourceNode } from "@/api/types";

export type GraphNode = SourceNode | DatasetNode | DestinationNode;
export interface GraphEdge {
  id: string;
  from: string;
  to: string;
  /** Whether a run sends records along it now. */
  live: boolean;
  /** Whether it carries replies, stored as records. */
  back: boolean;
}
export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export const isLive = (run: { status: RunStatus } | null): boolean => run !== null && (run.status === "running" || run.status === "queued");
export const flowsOf = (overview: Overview): FlowNode[] => overview.nodes.filter((node) => node.kind === "flow");
/** The flows that run a destination. */
export const flowsWith = (overview: Overview, destination: string): string[] =>
  flowsOf(overview)
    .filter((flow) => flow.destinations.includes(destination))
    .map((flow) => flow.name);

/** The credentials that are folders: their destinations write files. */
export const foldersOf = (overview: Overview): Set<string> => new Set(overview.nodes.filter((node) => node.kind === "credential" && node.type === "file").map((node) => node.name));

/** The flows that run each destination, by its name. */
export function flowsByDestination(overview: Overview): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const flow of flowsOf(overview)) for (const name of flow.destinations) found.set(name, [...(found.get(name) ?? []), flow.name]);
  return found;
}

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

function grouped<T>(edges: T[], by: (edge: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const edge of edges) {
    const same = found.get(by(edge));
    if (same === undefined) found.set(by(edge), [edge]);
    else same.push(edge);
  }
  return found;
}

/** These nodes and all nodes that feed them. */
function upstream(edges: { from: string; to: string }[], of: Set<string>): Set<string> {
  const feeding = grouped(edges, (edge) => edge.to);
  const wanted = new Set(of);
  const open = [...wanted];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const { from } of feeding.get(id) ?? []) {
      if (wanted.has(from)) continue;
      wanted.add(from);
      open.push(from);
    }
  }
  return wanted;
}

/** The part of a graph that feeds the destinations of one flow. */
export function partOfFlow(graph: Graph, flow: FlowNode): Graph {
  const ends = graph.nodes.filter((node) => node.kind === "destination" && flow.destinations.includes(node.name));
  const wanted = upstream(graph.edges, new Set(ends.map((node) => node.id)));
  return { nodes: graph.nodes.filter((node) => wanted.has(node.id)), edges: graph.edges.filter((edge) => wanted.has(edge.from) && wanted.has(edge.to)) };
}

/** One connection as a row; a resource without a connection has a row too. */
export interface Path {
  id: string;
  source: SourceNode | null;
  dataset: DatasetNode | null;
  destination: DestinationNode | null;
}
export function pathsOf({ nodes, edges }: Graph): Path[] {
  const by = new Map(nodes.map((node) => [node.id, node]));
  const leading = grouped(edges, (edge) => edge.from);
  const fed = new Set(edges.map((edge) => edge.to));
  const next = (id: string, kind: string): GraphNode[] => (leading.get(id) ?? []).map((edge) => by.get(edge.to)).filter((node): node is GraphNode => node?.kind === kind);
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
    } else if (node.kind === "dataset" && !fed.has(node.id)) ended(null, node);
  }
  return paths;
}

/** The next step while nothing is sent: for a source without a dataset, or else for a dataset without a destination. */
export function nextStep({ nodes }: Graph): { kind: "dataset" | "destination"; of: string } | null {
  const first = (kind: string) => nodes.find((node) => node.kind === kind);
  const [source, dataset] = [first("source"), first("dataset")];
  if (dataset === undefined) return source === undefined ? null : { kind: "dataset", of: source.name };
  return first("destination") === undefined ? { kind: "destination", of: dataset.name } : null;
}

/** The address of a node's page. */
export function addressOf(node: GraphNode): string {
  if (node.kind === "source" && node.type === "responses") return `/responses/${encodeURIComponent(node.name.replace(/\.responses$/, ""))}`;
  return `/${node.kind}s/${encodeURIComponent(node.name)}`;
}
