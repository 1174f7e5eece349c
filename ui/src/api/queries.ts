/** The queries that several pages share, with their keys. Queries of one page folder are in its queries.ts. */
import { type InfiniteData, infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { ApiError, api, at, setCsrf, type Options } from "./client";
import type { Discard, FileFormat, Found, Items, Kind, Kinds, Overview, QuarantineGroup, Run, Samples, Session, Stats, Template } from "./types";

export const keys = {
  session: ["session"] as const,
  kind: (kind: Kind) => [kind] as const,
  one: (kind: Kind, name: string) => [kind, name] as const,
  overview: ["overview"] as const,
  runs: ["runs"] as const,
  quarantine: ["quarantine"] as const,
  versions: ["versions"] as const,
};

export type Query = NonNullable<Options["query"]>;

export const listKey = (key: readonly unknown[], query: Query = {}): readonly unknown[] => [...key, query];
export const pageOf = <T>(path: string, query: Query = {}, cursor: string | null, signal: AbortSignal): Promise<Items<T>> =>
  api.get<Items<T>>(path, { query: { limit: 100, ...query, cursor }, signal });

/** A paged list. `useItems` flattens it; `parts/lists/updates` keeps it up to date. */
export function listOptions<T>(key: readonly unknown[], path: string, query: Query = {}) {
  return infiniteQueryOptions<Items<T>, Error, InfiniteData<Items<T>, string | null>, readonly unknown[], string | null>({
    queryKey: listKey(key, query),
    queryFn: ({ pageParam, signal }) => pageOf<T>(path, query, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    refetchOnWindowFocus: false, // it would request every page that was scrolled to
  });
}

/** All items of a short list, from all of its pages. */
export async function everything<T>(path: string, query: Options["query"] = {}, signal?: AbortSignal): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Items<T> = await api.get<Items<T>>(path, { query: { ...query, limit: 500, cursor }, ...(signal && { signal }) });
    all.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return all;
}

let lastOverview: { etag: string; data: Overview } | null = null;
/** The overview. It is large for a large project, so the stored copy is used until its ETag changes. */
async function overview(signal: AbortSignal): Promise<Overview> {
  const known = lastOverview;
  let etag: string | null = null;
  const data = await api.get<Overview | undefined>("/overview", { signal, known: known?.etag, onHeaders: (headers) => (etag = headers.get("ETag")) });
  if (data === undefined && known !== null) return known.data;
  if (data === undefined) throw new Error("the overview did not come");
  lastOverview = etag === null ? null : { etag, data };
  return data;
}

export const queries = {
  session: () =>
    queryOptions({
      queryKey: keys.session,
      queryFn: async ({ signal }) => {
        const session = await api.get<Session>("/session", { signal });
        setCsrf(session.csrf);
        return session;
      },
      staleTime: 60_000,
    }),
  kind: <K extends Kind>(kind: K) =>
    queryOptions({ queryKey: keys.kind(kind), queryFn: ({ signal }) => everything<Kinds[K]>(`/${kind}`, {}, signal) }),
  one: <K extends Kind>(kind: K, name: string) =>
    queryOptions({
      queryKey: keys.one(kind, name),
      queryFn: ({ signal }) => api.get<Kinds[K]>(at`/${kind}/${name}`, { signal }),
    }),
  overview: () => queryOptions({ queryKey: keys.overview, queryFn: ({ signal }) => overview(signal) }),
  templates: () =>
    queryOptions({
      queryKey: ["templates"],
      queryFn: ({ signal }) => everything<Template>("/templates", {}, signal),
      staleTime: Number.POSITIVE_INFINITY,
    }),
  formats: () =>
    queryOptions({
      queryKey: ["formats"],
      queryFn: ({ signal }) => everything<FileFormat>("/formats", {}, signal),
      staleTime: Number.POSITIVE_INFINITY,
    }),
  samples: (dataset: string, limit = 50) =>
    queryOptions({
      queryKey: ["datasets", dataset, "samples", limit],
      queryFn: ({ signal }) => api.get<Samples>(at`/datasets/${dataset}/samples`, { query: { limit }, signal }),
    }),
  runs: (query: { target?: string; status?: string; since?: string; limit?: number } = {}) =>
    listOptions<Run>(keys.runs, "/runs", query),
  run: (run: string) =>
    queryOptions({ queryKey: ["runs", run], queryFn: ({ signal }) => api.get<Run>(at`/runs/${run}`, { signal }) }),
  recentRuns: (target: string) =>
    queryOptions({ queryKey: ["runs", { target, limit: 8 }, "short"], queryFn: ({ signal }) => api.get<Items<Run>>("/runs", { query: { target, limit: 8 }, signal }) }),
  quarantineGroups: () =>
    queryOptions({
      queryKey: [...keys.quarantine, "groups"],
      queryFn: ({ signal }) => everything<QuarantineGroup>("/quarantine/groups", {}, signal),
    }),
  discards: () =>
    queryOptions({
      queryKey: [...keys.quarantine, "discards"],
      queryFn: async ({ signal }) => (await api.get<Items<Discard>>("/quarantine/discards", { signal })).items,
    }),
  stats: (hours: number, destination?: string) =>
    queryOptions({ queryKey: ["stats", hours, destination ?? null], queryFn: ({ signal }) => api.get<Stats>("/stats", { query: { hours, destination }, signal }), placeholderData: keepPreviousData }),
  search: (words: string) =>
    queryOptions({
      queryKey: ["search", words],
      queryFn: ({ signal }) => api.get<Items<Found>>("/search", { query: { q: words }, signal }),
      enabled: words.trim() !== "",
      staleTime: 10_000,
    }),
};

/** Whether to repeat a failed query: after 429 and 503, at most twice. */
export function worthRetrying(count: number, error: unknown): boolean {
  return count < 2 && error instanceof ApiError && (error.status === 429 || error.status === 503);
}
