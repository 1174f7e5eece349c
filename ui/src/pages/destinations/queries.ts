/** Queries of the form, with unsaved settings. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, at } from "@/api/client";
import type { DestinationValue, Findings, IdentityCounts, Plan, Preview } from "@/api/types";

export const destinationQueries = {
  preview: (name: string, value: DestinationValue, ready: boolean) =>
    queryOptions({
      queryKey: ["preview", name, value],
      queryFn: ({ signal }) => api.post<Preview>("/destinations/preview", { name, value, limit: 5 }, { signal }),
      placeholderData: keepPreviousData,
      enabled: ready,
      staleTime: 30_000,
      gcTime: 60_000,
    }),
  findings: (name: string, value: DestinationValue, ready: boolean) =>
    queryOptions({
      queryKey: ["findings", name, value],
      queryFn: ({ signal }) => api.post<Findings>("/destinations/findings", { name, value }, { signal }),
      placeholderData: keepPreviousData,
      enabled: ready,
      staleTime: 30_000,
      gcTime: 60_000,
      retry: false,
    }),
  plan: (name: string) =>
    queryOptions({ queryKey: ["destinations", name, "plan"], queryFn: ({ signal }) => api.get<Plan>(at`/destinations/${name}/plan`, { signal }), staleTime: 5_000 }),
  /** Reads Custify, which can take minutes: only on request. */
  exactPlan: (name: string) =>
    queryOptions({
      queryKey: ["destinations", name, "plan", "exact"],
      queryFn: ({ signal }) => api.get<Plan>(at`/destinations/${name}/plan`, { query: { exact: true }, signal }),
      enabled: false,
      retry: false,
      staleTime: 0,
      gcTime: 0,
    }),
  identity: (name: string) =>
    queryOptions({ queryKey: ["destinations", name, "identity"], queryFn: ({ signal }) => api.get<IdentityCounts>(at`/destinations/${name}/identity`, { signal }), staleTime: 5_000 }),
};
