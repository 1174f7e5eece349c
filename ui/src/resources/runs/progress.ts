/** The progress of a live run from its events, and the run when it has ended. */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { address, api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Items, Progress, Run } from "@/api/types";

export function useProgress(run: string, live: boolean): Progress | null {
  const [progress, setProgress] = useState<Progress | null>(null);
  const client = useQueryClient();
  useEffect(() => {
    if (!live) return;
    const events = new EventSource(address(at`/runs/${run}/events`));
    events.addEventListener("progress", (event) => setProgress(JSON.parse((event as MessageEvent<string>).data) as Progress));
    events.addEventListener("end", (event) => {
      events.close();
      setProgress(null);
      client.setQueryData(["runs", run], JSON.parse((event as MessageEvent<string>).data) as Run);
      void refreshAfterRun(client);
    });
    return () => events.close();
  }, [run, live, client]);
  return progress;
}

/** Refreshes every query that shows results of runs. */
function refreshAfterRun(client: QueryClient): Promise<unknown> {
  const old = [keys.runs, keys.quarantine, keys.kind("destinations"), keys.kind("flows"), keys.overview, ["stats"]];
  return Promise.all(old.map((queryKey) => client.invalidateQueries({ queryKey })));
}

const LIVE = new Set(["queued", "running"]);
const ASK_EVERY_MS = 500;
const MOST_REQUESTS = 600; // afterwards pages refresh by themselves

/** Waits for runs that a page started but does not show, and refreshes queries when each of them ends. */
export async function followRuns(client: QueryClient, runs: string[]): Promise<void> {
  let open = runs;
  for (let requests = 0; open.length > 0 && requests < MOST_REQUESTS; requests++) {
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    const found = await Promise.all(open.map((run) => api.get<Run>(at`/runs/${run}`).catch(() => null))); // null: request it again
    const ended = new Set(found.filter((run) => run !== null && !LIVE.has(run.status)).map((run) => run?.run));
    open = open.filter((run) => !ended.has(run));
    if (ended.size > 0) await refreshAfterRun(client);
  }
}

/** Follows the runs that a resend started. */
export function useFollow(): (started: Items<Run>) => void {
  const client = useQueryClient();
  return (started) => void followRuns(client, started.items.map((run) => run.run));
}
