/** What stands on a resource: what the service would name when it refuses to delete it. Pure. */
import type { Overview } from "@/api/types";

/** Edges whose beginning stands on their end; the others run the way that records go. */
const BACK = new Set(["sends", "runs"]);

export function usersOf(overview: Overview, kind: string, name: string): string[] {
  const id = `${kind}/${name}`;
  const users = new Set(
    overview.edges
      .filter((edge) => edge.kind !== "replies" && (BACK.has(edge.kind) ? edge.to : edge.from) === id)
      .map((edge) => (BACK.has(edge.kind) ? edge.from : edge.to)),
  );
  return overview.nodes.filter((node) => users.has(node.id)).map((node) => node.name);
}
