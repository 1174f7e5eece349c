import { type InfiniteData, type UndefinedInitialDataInfiniteOptions, useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import type { Items } from "@/api/types";

type ListOptions<T> = UndefinedInitialDataInfiniteOptions<Items<T>, Error, InfiniteData<Items<T>, string | null>, readonly unknown[], string | null>;

/** The items of all loaded pages; `more` loads the next page, for a DataTable's onEnd. */
export function useItems<T>(options: ListOptions<T>) {
  const query = useInfiniteQuery(options);
  const items = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  return { query, items, more };
}
