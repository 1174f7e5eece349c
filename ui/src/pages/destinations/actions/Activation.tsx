/** Activates a destination, after a dialog with its plan. */
import { Alert, Button, Loader, Modal } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Plan } from "@/api/types";
import { Failed, Key, useChange } from "@/parts";
import { t } from "@/texts/pages/destinations";
import { t as words } from "@/texts/pages/identity";
import { refusalLine } from "@/texts/refusals";
import { destinationQueries } from "../queries";
import { firstSends } from "../value";

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
      {open && <Identity name={name} />}
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

/** How many of its people Custify would hold twice; nothing for a destination that sends no people. */
function Identity({ name }: { name: string }) {
  const { data } = useQuery(destinationQueries.identity(name));
  const counts = data?.counts;
  if (!counts) return null;
  const lines = [
    [counts.email_several_ids, words.several],
    [counts.id_several_emails, words.overwritten],
    [counts.scientific_ids, words.scientific],
  ] as const;
  const found = lines.filter(([n]) => n !== undefined && n > 0);
  if (found.length === 0) return null;
  return (
    <Alert color="yellow" mb="sm">
      <ul>
        {found.map(([n, line]) => (
          <li key={line(2)}>{line(n ?? 0)}</li>
        ))}
      </ul>
      <Link to={`/datasets/${encodeURIComponent(data.dataset)}` as never} search={{ tab: "people" } as never}>
        {words.show}
      </Link>
    </Alert>
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
        {firstSends(plan).map((text) => (
          <li key={text}>{text}</li>
        ))}
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
