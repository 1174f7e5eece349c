/** The positions of nodes from left to right: by dagre, or in rows for large graphs, for which dagre takes seconds. */
import { graphlib, layout } from "@dagrejs/dagre";
import type { Graph, GraphNode } from "./graph";

export const SIZES: Record<GraphNode["kind"], { width: number; height: number }> = {
  source: { width: 196, height: 66 },
  dataset: { width: 216, height: 66 },
  destination: { width: 268, height: 108 },
};

/** A graph with more nodes is laid out in rows, and only the nodes in view are rendered. */
export const MANY = 150;
type Places = Map<string, { x: number; y: number }>;
const EDGE = 16;
const BETWEEN = { columns: 90, rows: 22 };

export const placesOf = (graph: Graph): Places => (graph.nodes.length > MANY ? rowsOf(graph) : byDagre(graph));

/** Sources, datasets and destinations in one column each; a node is to the right of the node that feeds it. */
function rowsOf({ nodes, edges }: Graph): Places {
  const fed = new Map<string, string[]>();
  for (const edge of edges) if (!edge.back) fed.set(edge.from, [...(fed.get(edge.from) ?? []), edge.to]);
  const of = new Map(nodes.map((node) => [node.id, node]));
  const columns: Record<GraphNode["kind"], number> = { source: EDGE, dataset: EDGE + SIZES.source.width + BETWEEN.columns, destination: EDGE + SIZES.source.width + SIZES.dataset.width + 2 * BETWEEN.columns };
  const places: Places = new Map();
  const put = (node: GraphNode, y: number): number => {
    places.set(node.id, { x: columns[node.kind], y });
    const next = (fed.get(node.id) ?? []).map((id) => of.get(id)).filter((one): one is GraphNode => one !== undefined && !places.has(one.id));
    return Math.max(y + SIZES[node.kind].height + BETWEEN.rows, next.reduce((below, one) => put(one, below), y));
  };
  let below = EDGE;
  for (const kind of ["source", "dataset", "destination"] as const) for (const node of nodes) if (node.kind === kind && !places.has(node.id)) below = put(node, below);
  return places;
}

function byDagre({ nodes, edges }: Graph): Places {
  const made = new graphlib.Graph();
  made.setGraph({ rankdir: "LR", nodesep: 22, ranksep: 90, marginx: 16, marginy: 16 });
  made.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) made.setNode(node.id, { ...SIZES[node.kind] });
  for (const edge of edges) made.setEdge(edge.from, edge.to);
  layout(made);
  return new Map(
    nodes.map((node) => {
      const { x, y } = made.node(node.id) as { x: number; y: number };
      const { width, height } = SIZES[node.kind];
      return [node.id, { x: x - width / 2, y: y - height / 2 }];
    }),
  );
}

const CELL = 600;

/** The area in view plus one cell, in cells. As text, so that a small move gives an equal value. */
export function areaOf([x, y, zoom]: readonly [number, number, number], width: number, height: number): string {
  const cells = [-x, -y, width - x, height - y].map((at) => Math.floor(at / zoom / CELL));
  return cells.join(" ");
}

/** Whether a position is in an area; true when there is no area. */
export function isIn(area: string | null, place: { x: number; y: number } | undefined): boolean {
  if (area === null) return true;
  if (place === undefined) return false;
  const [left = 0, top = 0, right = 0, bottom = 0] = area.split(" ").map(Number);
  const [column, row] = [Math.floor(place.x / CELL), Math.floor(place.y / CELL)];
  return column >= left - 1 && column <= right + 1 && row >= top - 1 && row <= bottom + 1;
}
