import { expect, test } from "vitest";
import type { Overview } from "@/api/types";
import { usersOf } from "./users";

const node = (kind: string, name: string) => ({ id: `${kind}s/${name}`, kind, name });
const overview = {
  nodes: [node("source", "crm"), node("dataset", "people"), node("dataset", "firms"), node("destination", "people"), node("credential", "acme"), node("flow", "nightly")],
  edges: [
    { kind: "reads", from: "sources/crm", to: "datasets/people" },
    { kind: "reads", from: "sources/crm", to: "datasets/firms" },
    { kind: "feeds", from: "datasets/people", to: "destinations/people" },
    { kind: "sends", from: "destinations/people", to: "credentials/acme" },
    { kind: "runs", from: "flows/nightly", to: "destinations/people" },
    { kind: "replies", from: "destinations/people", to: "sources/crm" },
  ],
} as unknown as Overview;

test.each([
  ["sources", "crm", ["people", "firms"]],
  ["datasets", "people", ["people"]],
  ["datasets", "firms", []],
  ["credentials", "acme", ["people"]],
  ["destinations", "people", ["nightly"]],
  ["flows", "nightly", []],
  ["sources", "unheard", []],
])("of %s %s", (kind, name, users) => expect(usersOf(overview, kind, name)).toEqual(users));
