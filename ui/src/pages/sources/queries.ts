/** Queries of the pages of sources. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, at } from "@/api/client";
import type { Hook, SourcePreview, SourceValue } from "@/api/types";

export const sourceQueries = {
  /** Columns and first records of a source, also with unsaved settings. */
  check: (name: string, value: SourceValue, on: boolean) =>
    queryOptions({
      queryKey: ["sources", name, "look", value],
      queryFn: ({ signal }) => api.post<SourcePreview>("/sources/check", { name, value }, { signal }),
      enabled: on,
      retry: false,
      staleTime: 30_000,
      gcTime: 60_000,
      placeholderData: keepPreviousData,
    }),
  hook: (name: string, every: number) =>
    queryOptions({ queryKey: ["sources", name, "hook"], queryFn: ({ signal }) => api.get<Hook>(at`/sources/${name}/hook`, { signal }), refetchInterval: every }),
};
