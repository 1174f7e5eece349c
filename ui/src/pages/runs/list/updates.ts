/** Keeps the list of runs up to date: its first page, and live runs further down. */
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Items, Run } from "@/api/types";
import { useFreshFirst } from "@/parts";

type Pages = Items<Run>[];
const MOVES = new Set(["queued", "running"]);
/** The most runs below the first page that are requested one by one. */
const MOST = 20;

/** The runs below the first page that can still change. */
export function liveBelow(pages: Pages, first: Items<Run>): string[] {
  const above = new Set(first.items.map((run) => run.run));
  const below = pages.flatMap((page) => page.items).filter((run) => MOVES.has(run.status) && !above.has(run.run));
  return below.slice(0, MOST).map((run) => run.run);
}

export function useFreshRuns(query: { target?: string; status?: string }, every: number): void {
  useFreshFirst<Run>({
    key: keys.runs,
    path: "/runs",
    query,
    every,
    idOf: (run) => run.run,
    below: async (pages, first, signal) => {
      const requests = liveBelow(pages, first).map(async (run): Promise<[string, Run | null]> => {
        const now = await api.get<Run>(at`/runs/${run}`, { signal });
        return [run, query.status === undefined || now.status === query.status ? now : null];
      });
      return new Map(await Promise.all(requests));
    },
  });
}
