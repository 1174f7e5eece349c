/** Activates a destination, after a dialog with its plan. */
import { Button, Loader, Modal } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Plan } from "@/api/types";
import { Failed, Key, useChange } from "@/parts";
import { t } from "@/texts/pages/destinations";
import { refusalLine } from "@/texts/refusals";
import { destinationQueries } from "../queries";

export function useActivation(name: string) {
  const [asking, setAsking] = useState(false);
  return { asking, ask: () => setAsking(true), dialog: <ActivateDialog name={name} open={asking} close={() => setAsking(false)} /> };
}

/** The plan of the first run, in numbers. */
function ActivateDialog({ name, open, close }: { name: string; open: boolean; close: () => void }) {
  const plan = useQuery({ ...destinationQueries.plan(name), enabled: open });
  const activate = useChange({
    run: () => api.post(at`/destinations/${name}/activate`),
    done: () => t.activate.done(name),
    undo: () => api.post(at`/destinations/${name}/pause`),
    refresh: [keys.kind("destinations"), keys.overview],
    then: close,
  });
  return (
    <Modal opened={open} onClose={close} title={t.activate.title(name)} size="md">
      {plan.isPending && (
        <p>
          <Loader size={13} /> {t.activate.counting}
        </p>
      )}
      {plan.isError && <Failed error={plan.error} retry={() => void plan.refetch()} />}
      {plan.data && <PlanText plan={plan.data} />}
      <p className="muted">{t.activate.then}</p>
      <div style={{ display: "flex", justifyContent: "flex-end", gap: 8 }}>
        <Button variant="default" onClick={close}>
          {t.steps.back}
        </Button>
        <Button onClick={() => activate.mutate()} loading={activate.isPending} disabled={plan.isPending}>
          {t.activate.verb}
        </Button>
      </div>
    </Modal>
  );
}

function PlanText({ plan }: { plan: Plan }) {
  return (
    <>
      <p>{t.activate.sends(plan.records, plan.requests, plan.eta_s)}</p>
      <ul>
        {plan.asking > 0 && <li>{t.activate.asking(plan.asking)}</li>}
        <li>{t.activate.creates(plan.creates_or_updates)}</li>
        <li>{t.activate.unchanged(plan.unchanged)}</li>
        {plan.held > 0 && <li>{t.activate.inQuarantine(plan.held)}</li>}
        {plan.invalid > 0 && (
          <li>
            {t.activate.refused(plan.invalid)}
            {plan.invalid > plan.first_errors.length && <span className="muted">; {t.activate.first(plan.first_errors.length)}</span>}
            <ul className="muted">
              {plan.first_errors.map((error, i) => (
                <li key={i}>
                  <Key value={error.key} /> {refusalLine(error)}
                </li>
              ))}
            </ul>
          </li>
        )}
      </ul>
    </>
  );
}
