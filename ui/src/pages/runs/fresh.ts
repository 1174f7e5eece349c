/** A long list of runs kept up to date: only its first page is asked again, and what runs still further down. */
import { type InfiniteData, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, at } from "@/api/client";
import { queries } from "@/api/queries";
import type { Items, Run } from "@/api/types";

type Pages = Items<Run>[];
const MOVES = new Set(["queued", "running"]);
/** Further down at most so many are asked for one by one. */
const MOST = 20;

/** The pages with the first as it is now; null when the two have no run in common, so that all must be asked again. */
export function withFirst(pages: Pages, first: Items<Run>): Pages | null {
  if (first.next === null || pages.length === 0) return [first];
  const fresh = new Set(first.items.map((run) => run.run));
  const known = pages.flatMap((page) => page.items).map((run) => run.run);
  const seen = known.findLastIndex((run) => fresh.has(run));
  if (seen === -1) return null;
  let index = -1;
  return pages.map((page, i) => {
    const later = page.items.filter((run) => {
      index += 1;
      return index > seen && !fresh.has(run.run);
    });
    return i === 0 ? { ...page, items: [...first.items, ...later] } : { ...page, items: later };
  });
}

/** With these runs as they are now; null stands for one that is no longer of this list. */
export function withRuns(pages: Pages, now: ReadonlyMap<string, Run | null>): Pages {
  if (now.size === 0) return pages;
  return pages.map((page) => ({
    ...page,
    items: page.items.flatMap((run) => {
      const known = now.get(run.run);
      return known === undefined ? [run] : known === null ? [] : [known];
    }),
  }));
}

/** Those below the first page that may still change. */
export function movingBelow(pages: Pages, first: Items<Run>): string[] {
  const above = new Set(first.items.map((run) => run.run));
  const below = pages.flatMap((page) => page.items).filter((run) => MOVES.has(run.status) && !above.has(run.run));
  return below.slice(0, MOST).map((run) => run.run);
}

/** Looks every so often, while the list is shown. */
export function useFreshRuns(filter: Parameters<typeof queries.runs>[0] & object, every: number): void {
  const client = useQueryClient();
  const { queryKey } = queries.runs(filter);
  useQuery({
    queryKey: [...queryKey, "fresh"],
    queryFn: async ({ signal }) => {
      const first = await api.get<Items<Run>>("/runs", { query: { limit: 100, ...filter }, signal });
      const known = client.getQueryData<InfiniteData<Items<Run>, string | null>>(queryKey);
      const pages = known && withFirst(known.pages, first);
      if (!known || !pages) {
        void client.invalidateQueries({ queryKey, exact: true });
        return Date.now();
      }
      const asked = movingBelow(pages, first).map(async (run): Promise<[string, Run | null]> => {
        const now = await api.get<Run>(at`/runs/${run}`, { signal });
        return [run, filter.status === undefined || now.status === filter.status ? now : null];
      });
      const now = new Map(await Promise.all(asked));
      const params = pages.length === known.pages.length ? known.pageParams : known.pageParams.slice(0, pages.length);
      client.setQueryData(queryKey, { pages: withRuns(pages, now), pageParams: params });
      return Date.now();
    },
    initialData: 0, // the list itself was asked just now
    staleTime: every,
    refetchInterval: every,
  });
}
