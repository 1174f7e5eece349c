/** Keeps a long list up to date: requests only the pages that can have changed. */
import { type InfiniteData, type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { listKey, pageOf, type Query } from "@/api/queries";
import type { Items } from "@/api/types";

type Pages<T> = Items<T>[];
type Known<T> = InfiniteData<Items<T>, string | null>;
type IdOf<T> = (item: T) => string;

/** The pages with a new first page; null when the two have no item in common, so that all pages must be requested again. */
export function withFirst<T>(pages: Pages<T>, first: Items<T>, idOf: IdOf<T>): Pages<T> | null {
  if (first.next === null || pages.length === 0) return [first];
  const fresh = new Set(first.items.map(idOf));
  const known = pages.flatMap((page) => page.items).map(idOf);
  const seen = known.findLastIndex((id) => fresh.has(id));
  if (seen === -1) return null;
  let index = -1;
  return pages.map((page, i) => {
    const later = page.items.filter((item) => {
      index += 1;
      return index > seen && !fresh.has(idOf(item));
    });
    return i === 0 ? { ...page, items: [...first.items, ...later] } : { ...page, items: later };
  });
}

/** The pages with new versions of these items; null: the item is no longer in the list. */
export function withThese<T>(pages: Pages<T>, now: ReadonlyMap<string, T | null>, idOf: IdOf<T>): Pages<T> {
  if (now.size === 0) return pages;
  return pages.map((page) => ({
    ...page,
    items: page.items.flatMap((item) => {
      const known = now.get(idOf(item));
      return known === undefined ? [item] : known === null ? [] : [known];
    }),
  }));
}

interface List {
  key: readonly unknown[];
  path: string;
  query?: Query;
}
interface Newest<T> extends List {
  idOf: IdOf<T>;
  every: number;
  /** Loads the items further down that may have changed. */
  below?: (pages: Pages<T>, first: Items<T>, signal: AbortSignal) => Promise<ReadonlyMap<string, T | null>>;
}

/** Requests the first page of a list repeatedly while it is shown. For lists with the newest item first. */
export function useFreshFirst<T>({ idOf, every, below, ...list }: Newest<T>): void {
  useLook(list, every, async (client, queryKey, signal) => {
    const first = await pageOf<T>(list.path, list.query, null, signal);
    const known = client.getQueryData<Known<T>>(queryKey);
    const pages = known && withFirst(known.pages, first, idOf);
    if (!known || !pages) return void client.invalidateQueries({ queryKey, exact: true });
    const now = (await below?.(pages, first, signal)) ?? new Map<string, T | null>();
    const params = pages.length === known.pages.length ? known.pageParams : known.pageParams.slice(0, pages.length);
    client.setQueryData(queryKey, { pages: withThese(pages, now, idOf), pageParams: params });
  });
}

/** Requests run in parallel: one that started earlier may end later. */
const LAST = 2;

/** Requests the last pages of a list repeatedly while it grows. For lists with the newest item last. */
export function useFreshLast<T>({ every, ...list }: List & { every: number | false }): void {
  useLook(list, every, async (client, queryKey, signal) => {
    const known = client.getQueryData<Known<T>>(queryKey);
    if (!known) return;
    const from = Math.max(0, known.pages.length - LAST);
    const last = await Promise.all(known.pageParams.slice(from).map((cursor) => pageOf<T>(list.path, list.query, cursor, signal)));
    client.setQueryData<Known<T>>(queryKey, (old) => (old?.pages.length === known.pages.length ? { ...old, pages: [...old.pages.slice(0, from), ...last] } : old));
  });
}

function useLook(list: List, every: number | false, look: (client: QueryClient, key: readonly unknown[], signal: AbortSignal) => Promise<void>): void {
  const client = useQueryClient();
  const queryKey = listKey(list.key, list.query);
  useQuery({
    queryKey: [...queryKey, "fresh"],
    queryFn: async ({ signal }) => {
      await look(client, queryKey, signal);
      return Date.now();
    },
    initialData: 0, // the list was requested just now
    enabled: every !== false,
    staleTime: every === false ? 0 : every,
    refetchInterval: every,
  });
}
