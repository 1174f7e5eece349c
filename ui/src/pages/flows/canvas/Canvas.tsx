/** The project as a graph from left to right, with the status of each resource. Loaded when it is first shown. */
import "@xyflow/react/dist/base.css";
import { useMantineColorScheme } from "@mantine/core";
import { Background, Controls, type Edge, MarkerType, ReactFlow, ReactFlowProvider, type ReactFlowState, useReactFlow, useStore } from "@xyflow/react";
import { useEffect, useMemo } from "react";
import { t } from "@/texts/pages/flows";
import "./canvas.css";
import type { Graph } from "./graph";
import { areaOf, isIn, MANY, placesOf, SIZES } from "./layout";
import { Card, type CardNode } from "./Nodes";

interface Props {
  graph: Graph;
  flowsOf: (destination: string) => string[];
  folders: Set<string>;
}
const types = { card: Card };
const hidden = { hideAttribution: true };
// without this, cards that cannot be moved or selected get no pointer events; their links and + need them
const reached = { pointerEvents: "all" as const };
const fitted = { padding: 0.12, minZoom: 0.8, maxZoom: 1 }; // smaller zoom makes buttons smaller than 24 px
const beginning = { x: 0, y: 0, zoom: 0.9 };

export default function Canvas(props: Props) {
  return (
    <ReactFlowProvider>
      <Drawn {...props} />
    </ReactFlowProvider>
  );
}

function Drawn({ graph, flowsOf, folders }: Props) {
  const { colorScheme } = useMantineColorScheme();
  const shape = graph.nodes.map((node) => node.id).join() + graph.edges.map((edge) => edge.id).join();
  const places = useMemo(() => placesOf(graph), [shape]); // eslint-disable-line react-hooks/exhaustive-deps -- counts do not change the layout
  const many = graph.nodes.length > MANY;
  // React Flow renders each node to measure it, so a large graph passes only the nodes in view and near it
  const area = useStore((state: ReactFlowState) => (many ? areaOf(state.transform, state.width, state.height) : null));
  const nodes = useMemo(
    () =>
      graph.nodes.filter((node) => isIn(area, places.get(node.id))).map(
        (node): CardNode => ({
          id: node.id,
          type: "card",
          position: places.get(node.id) ?? { x: 0, y: 0 },
          data: { node, flows: node.kind === "destination" ? flowsOf(node.name) : [], isFile: node.kind === "destination" && folders.has(node.credential) },
          ...SIZES[node.kind],
          style: reached,
        }),
      ),
    [graph, places, area, flowsOf, folders],
  );
  const edges = useMemo(
    () =>
      graph.edges.filter((edge) => isIn(area, places.get(edge.from)) && isIn(area, places.get(edge.to))).map(
        (edge): Edge => ({
          id: edge.id,
          source: edge.from,
          target: edge.to,
          animated: edge.live,
          className: edge.live ? "live" : edge.back ? "back" : "",
          markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14, color: "var(--p-line-strong)" },
        }),
      ),
    [graph, places, area],
  );
  const { fitView, setViewport } = useReactFlow();
  useEffect(() => {
    // a large graph starts at its first nodes, not at its centre
    const frame = requestAnimationFrame(() => void (many ? setViewport(beginning) : fitView(fitted)));
    return () => cancelAnimationFrame(frame);
  }, [shape, many, fitView, setViewport]);
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={types}
      colorMode={colorScheme === "auto" ? "system" : colorScheme}
      fitView={!many}
      fitViewOptions={fitted}
      defaultViewport={beginning}
      onlyRenderVisibleElements={many}
      minZoom={0.3}
      maxZoom={1.4}
      nodesDraggable={false}
      nodesConnectable={false}
      nodesFocusable={false}
      edgesFocusable={false}
      elementsSelectable={false}
      disableKeyboardA11y
      zoomOnDoubleClick={false}
      proOptions={hidden}
      aria-label={t.canvasLabel}
    >
      <Background gap={22} size={1.2} color="var(--p-line-strong)" />
      <Controls showInteractive={false} position="bottom-left" />
    </ReactFlow>
  );
}
