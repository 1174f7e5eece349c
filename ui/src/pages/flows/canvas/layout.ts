/** Where each node stands: from left to right, by dagre. */
import { graphlib, layout } from "@dagrejs/dagre";
import type { Graph, GraphNode } from "../graph";

export const SIZES: Record<GraphNode["kind"], { width: number; height: number }> = {
  source: { width: 196, height: 66 },
  dataset: { width: 216, height: 66 },
  destination: { width: 268, height: 108 },
};

export function placesOf({ nodes, edges }: Graph): Map<string, { x: number; y: number }> {
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
