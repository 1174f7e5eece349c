import { expect, test } from "vitest";
import type { Graph } from "./graph";
import { areaOf, isIn, MANY, placesOf, SIZES } from "./layout";

const node = (kind: "source" | "dataset" | "destination", name: string) => ({ id: `${kind}s/${name}`, kind, name, state: {} }) as never;
const edge = (from: string, to: string) => ({ id: `${from}→${to}`, from, to, live: false, back: false });

test("records go from left to right, and nodes do not overlap", () => {
  const graph: Graph = {
    nodes: [node("source", "crm"), node("dataset", "contacts"), node("destination", "people"), node("destination", "companies"), node("source", "alone")],
    edges: [edge("sources/crm", "datasets/contacts"), edge("datasets/contacts", "destinations/people"), edge("datasets/contacts", "destinations/companies")],
  };
  const places = placesOf(graph);
  const x = (id: string) => places.get(id)?.x ?? Number.NaN;
  expect(x("sources/crm")).toBeLessThan(x("datasets/contacts"));
  expect(x("datasets/contacts")).toBeLessThan(x("destinations/people"));
  const boxes = graph.nodes.map((one) => ({ ...(places.get(one.id) as { x: number; y: number }), ...SIZES[one.kind] }));
  for (const [i, a] of boxes.entries())
    for (const b of boxes.slice(i + 1)) expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
});

test("a thousand destinations are in rows and do not overlap", () => {
  const graph: Graph = { nodes: [], edges: [] };
  for (let n = 0; n < 1000; n += 1) {
    graph.nodes.push(node("source", `s${n}`), node("dataset", `d${n}`), node("destination", `t${n}`), node("destination", `u${n}`));
    graph.edges.push(edge(`sources/s${n}`, `datasets/d${n}`), edge(`datasets/d${n}`, `destinations/t${n}`), edge(`datasets/d${n}`, `destinations/u${n}`));
  }
  expect(graph.nodes.length).toBeGreaterThan(MANY);
  const places = placesOf(graph);
  expect(places.size).toBe(4000);
  const columns = new Map<number, { y: number; height: number }[]>();
  for (const one of graph.nodes) {
    const { x, y } = places.get(one.id) as { x: number; y: number };
    columns.set(x, [...(columns.get(x) ?? []), { y, height: SIZES[one.kind].height }]);
  }
  expect(columns.size).toBe(3);
  for (const column of columns.values()) {
    column.sort((a, b) => a.y - b.y);
    for (const [i, one] of column.slice(1).entries()) expect(one.y).toBeGreaterThanOrEqual((column[i]?.y ?? 0) + (column[i]?.height ?? 0));
  }
});

test("a position in view or near it is in the area", () => {
  const area = areaOf([0, -5000, 1], 1200, 800);
  expect(isIn(area, { x: 600, y: 5400 })).toBe(true);
  expect(isIn(area, { x: 600, y: 4600 })).toBe(true);
  expect(isIn(area, { x: 600, y: 100 })).toBe(false);
  expect(isIn(area, { x: 600, y: 9000 })).toBe(false);
  expect(isIn(area, undefined)).toBe(false);
  expect(isIn(null, { x: 0, y: 1e6 })).toBe(true);
  expect(areaOf([0, -5010, 1], 1200, 800)).toBe(area);
});
