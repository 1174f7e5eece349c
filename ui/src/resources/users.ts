/** The resources that use a resource. The service refuses to delete it while there is one. Pure. */
import type { Overview } from "@/api/types";

/** Kinds of edges whose start uses their end. In the other kinds, which follow the records, the end uses the start. */
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
