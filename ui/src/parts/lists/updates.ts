/** A long list kept up to date: only where it can have changed is it asked again, however many of its pages are there. */
import { type InfiniteData, type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { listKey, pageOf, type Query } from "@/api/queries";
import type { Items } from "@/api/types";

type Pages<T> = Items<T>[];
type Known<T> = InfiniteData<Items<T>, string | null>;
type IdOf<T> = (item: T) => string;

/** The pages with the first as it is now; null when the two have nothing in common, so that all must be asked again. */
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

/** With these items as they are now; null stands for one that is no longer of this list. */
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
  /** Those further down that may have changed, as they are now. */
  below?: (pages: Pages<T>, first: Items<T>, signal: AbortSignal) => Promise<ReadonlyMap<string, T | null>>;
}

/** A list whose newest stands first: looks every so often, while it is shown, at its first page. */
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

/** Requests are in flight side by side: one that was made earlier may come to its end later. */
const LAST = 2;

/** A list that grows at its end: looks every so often, while it does, at its last pages. */
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
    initialData: 0, // the list itself was asked just now
    enabled: every !== false,
    staleTime: every === false ? 0 : every,
    refetchInterval: every,
  });
}
