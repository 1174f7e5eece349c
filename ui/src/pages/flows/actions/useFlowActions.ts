/** The actions of a flow: run now, pause, resume. */
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Run } from "@/api/types";
import { useChange } from "@/parts";
import { t } from "@/texts/pages/flows";
import { useNavigate } from "@tanstack/react-router";

export function useFlowActions(name: string) {
  const navigate = useNavigate();
  const refresh = [keys.kind("flows"), keys.overview, keys.runs];
  const run = useChange({
    run: () => api.post<Run>("/runs", { target: name }),
    done: (made) => t.queued(made.run),
    refresh,
    then: (made) => void navigate({ to: "/runs/$run", params: { run: made.run } }),
  });
  const pause = useChange({ run: () => api.post(at`/flows/${name}/pause`), done: () => t.isPaused(name), undo: () => api.post(at`/flows/${name}/resume`), refresh });
  const resume = useChange({ run: () => api.post(at`/flows/${name}/resume`), done: () => t.isResumed(name), undo: () => api.post(at`/flows/${name}/pause`), refresh });
  return { run, pause, resume };
}
