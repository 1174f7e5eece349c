/** What the pages of flows ask the API. */
import { queryOptions } from "@tanstack/react-query";
import { api, at } from "@/api/client";
import type { Items, Plan, Problem, Run } from "@/api/types";

export interface Times {
  times: string[];
  errors: Problem[];
}
export const asked = {
  times: (schedule: string | undefined, timezone: string | undefined) =>
    queryOptions({
      queryKey: ["flows", "times", schedule, timezone],
      queryFn: ({ signal }) => api.get<Times>("/schedules/next", { query: { schedule, timezone }, signal }),
      enabled: schedule !== undefined,
      staleTime: 60_000,
    }),
  plan: (name: string) => queryOptions({ queryKey: ["flows", name, "plan"], queryFn: ({ signal }) => api.get<Plan>(at`/flows/${name}/plan`, { signal }), staleTime: 10_000 }),
  runs: (name: string) =>
    queryOptions({ queryKey: ["runs", { target: name, limit: 8 }, "short"], queryFn: ({ signal }) => api.get<Items<Run>>("/runs", { query: { target: name, limit: 8 }, signal }) }),
};
