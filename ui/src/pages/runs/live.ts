/** A run's events while it lasts: its last progress, and the run itself once it ended. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { address, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Progress, Run } from "@/api/types";

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
      void client.invalidateQueries({ queryKey: keys.runs });
      void client.invalidateQueries({ queryKey: keys.quarantine });
      void client.invalidateQueries({ queryKey: keys.kind("destinations") });
    });
    return () => events.close();
  }, [run, live, client]);
  return progress;
}
