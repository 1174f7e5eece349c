/** What a mirror would delete now: the keys, a page at a time, and the approval of exactly these. */
import { Button, Pagination } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "@/api/client";
import { keys } from "@/api/queries";
import type { Plan, Run } from "@/api/types";
import { confirm, Key, Panel, useChange } from "@/parts";
import { t } from "@/texts/pages/destinations";

const ON_A_PAGE = 50;

export function Deletions({ name, plan, isActive, marks }: { name: string; plan: Plan; isActive: boolean; marks: boolean }) {
  const navigate = useNavigate();
  const [page, setPage] = useState(1);
  const run = useChange({
    run: () => api.post<Run>("/runs", { target: name, allow_deletes: plan.deletes_hash }),
    done: (made) => t.run.queued(made.run),
    refresh: [keys.kind("destinations"), keys.overview, keys.runs],
    then: (made) => void navigate({ to: "/runs/$run", params: { run: made.run } }),
  });
  if (plan.deletes === 0) return null;
  const takesEvents = plan.notes.some((note) => note.field === "on_delete" && note.action === "deleted too");
  const consequence = [marks ? t.deletions.marks(plan.deletes) : t.deletions.deletes(plan.deletes), ...(takesEvents ? [t.deletions.events] : []), t.deletions.exactly].join(" ");
  const approve = async () => {
    if (await confirm({ title: t.deletions.title(plan.deletes, marks), consequence, verb: t.deletions.verb(marks) })) run.mutate();
  };
  return (
    <Panel title={t.deletions.panel(marks)}>
      <p>{marks ? t.deletions.marks(plan.deletes) : t.deletions.deletes(plan.deletes)}</p>
      {takesEvents && <p>{t.deletions.events}</p>}
      <ul aria-label={t.deletions.keys}>
        {plan.delete_keys.slice((page - 1) * ON_A_PAGE, page * ON_A_PAGE).map((key) => (
          <li key={JSON.stringify(key)}>
            <Key value={key} />
          </li>
        ))}
      </ul>
      {plan.delete_keys.length > ON_A_PAGE && <Pagination value={page} onChange={setPage} total={Math.ceil(plan.delete_keys.length / ON_A_PAGE)} getControlProps={(control) => ({ "aria-label": t.deletions.control[control] })} />}
      <Button color="red" leftSection={<IconTrash size={14} />} disabled={!isActive} loading={run.isPending} onClick={() => void approve()}>
        {t.deletions.approve(marks)}
      </Button>
    </Panel>
  );
}
