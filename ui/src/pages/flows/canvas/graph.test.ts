import { describe, expect, test } from "vitest";
import type { DatasetNode, DestinationNode, FlowNode, Overview, RunPart, SourceNode } from "@/api/types";
import { addressOf, flowsWith, foldersOf, graphOf, nextStep, partOfFlow, pathsOf } from "./graph";

const run = (status: string) => ({ run: "r", status }) as RunPart;
const source = (name: string, type: SourceNode["type"] = "file"): SourceNode => ({ id: `sources/${name}`, kind: "source", name, type, state: { used_by: [], hook: null } });
const dataset = (name: string): DatasetNode => ({ id: `datasets/${name}`, kind: "dataset", name, key: ["id"], sql: false, state: { records: null, columns: null } });
const destination = (name: string, last: RunPart | null = null): DestinationNode => ({
  id: `destinations/${name}`, kind: "destination", name, template: "upsert_person", credential: "acme", responses: false,
  state: { state: "active", reason: "", held: 0, unknown: 0, read_back: "possible", last_run: last, template: null },
});
const flow = (name: string, destinations: string[]): FlowNode => ({ id: `flows/${name}`, kind: "flow", name, schedule: null, timezone: null, destinations, state: { next_at: null, last_run: null, paused: false } });

const overview: Overview = {
  nodes: [source("crm"), source("billing"), source("people.responses", "responses"), source("alone"), dataset("contacts"), dataset("invoices"), dataset("replies"), destination("people", run("running")), destination("companies"), destination("bills"), flow("nightly", ["people"]), flow("all", ["people", "bills"])],
  edges: [
    { kind: "replies", from: "destinations/people", to: "sources/people.responses" },
    { kind: "reads", from: "sources/crm", to: "datasets/contacts" },
    { kind: "reads", from: "sources/billing", to: "datasets/invoices" },
    { kind: "reads", from: "sources/people.responses", to: "datasets/replies" },
    { kind: "feeds", from: "datasets/contacts", to: "destinations/people" },
    { kind: "feeds", from: "datasets/contacts", to: "destinations/companies" },
    { kind: "feeds", from: "datasets/invoices", to: "destinations/bills" },
    { kind: "sends", from: "destinations/people", to: "credentials/acme" },
    { kind: "runs", from: "flows/nightly", to: "destinations/people" },
  ],
};
const graph = graphOf(overview);

test("destinations of a folder write files", () => {
  const credential = (name: string, type: "custify" | "file") => ({ id: `credentials/${name}`, kind: "credential", name, type }) as Overview["nodes"][number];
  expect([...foldersOf({ nodes: [credential("acme", "custify"), credential("lake", "file"), source("lake2")], edges: [] })]).toEqual(["lake"]);
});

describe("the canvas", () => {
  test("shows sources, datasets and destinations; not credentials and flows", () => {
    expect(new Set(graph.nodes.map((node) => node.kind))).toEqual(new Set(["source", "dataset", "destination"]));
    expect(graph.edges).toHaveLength(7);
  });
  test("the edges to a running destination and of its replies are live, and no others", () => {
    expect(graph.edges.filter((edge) => edge.live).map((edge) => edge.id)).toEqual(["destinations/people→sources/people.responses", "sources/crm→datasets/contacts", "datasets/contacts→destinations/people"]);
  });
  test("an edge to a missing node is left out", () => {
    expect(graphOf({ nodes: [source("crm")], edges: overview.edges }).edges).toEqual([]);
  });
  test("a flow shows only the nodes that feed it", () => {
    expect(partOfFlow(graph, flow("nightly", ["people"])).nodes.map((node) => node.name)).toEqual(["crm", "contacts", "people"]);
  });
  test("the list has a row for each destination and for each resource without a connection", () => {
    expect(pathsOf(graph).map((path) => path.id)).toEqual(["destinations/people", "destinations/companies", "destinations/bills", "datasets/replies", "sources/alone"]);
  });
  test("a node links to its page, replies to the page Responses", () => {
    expect(addressOf(dataset("a b"))).toBe("/datasets/a%20b");
    expect(addressOf(source("people.responses", "responses"))).toBe("/responses/people");
  });
  test("the flows of a destination", () => {
    expect(flowsWith(overview, "people")).toEqual(["nightly", "all"]);
  });
});

test("the next step leads from a source to a dataset to a destination, and then nowhere", () => {
  const of = (...nodes: Overview["nodes"]) => nextStep(graphOf({ nodes, edges: [] }));
  expect(of()).toBe(null);
  expect(of(source("crm"))).toEqual({ kind: "dataset", of: "crm" });
  expect(of(source("crm"), dataset("contacts"))).toEqual({ kind: "destination", of: "contacts" });
  expect(of(source("crm"), dataset("contacts"), destination("people"))).toBe(null);
});
