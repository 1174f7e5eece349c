/** Queries of the pages of flows. */
import { queryOptions } from "@tanstack/react-query";
import { api, at } from "@/api/client";
import type { Items, Plan, Run } from "@/api/types";

export const flowQueries = {
  plan: (name: string) => queryOptions({ queryKey: ["flows", name, "plan"], queryFn: ({ signal }) => api.get<Plan>(at`/flows/${name}/plan`, { signal }), staleTime: 10_000 }),
  runs: (name: string) =>
    queryOptions({ queryKey: ["runs", { target: name, limit: 8 }, "short"], queryFn: ({ signal }) => api.get<Items<Run>>("/runs", { query: { target: name, limit: 8 }, signal }) }),
};
