/** The resource menu of a destination: activate (after its plan), pause, run, edit, copy, delete. */
import { ActionIcon, Button, Loader, Menu, Modal, TextInput } from "@mantine/core";
import { IconCopy, IconDots, IconPencil, IconPlayerPause, IconPlayerPlay, IconPower, IconRepeat, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Destination, Plan, Run } from "@/api/types";
import { confirm, Failed, Key, useChange } from "@/parts";
import { t } from "@/texts/destinations";
import { refusalLine } from "@/texts/refusals";
import { useReadAgain } from "../runs/ReadAgain";
import { asked } from "./queries";

export function useActivation(name: string) {
  const [asking, setAsking] = useState(false);
  return { asking, ask: () => setAsking(true), dialog: <ActivateDialog name={name} open={asking} close={() => setAsking(false)} /> };
}

/** Before it is active: what a run would do, in numbers. */
function ActivateDialog({ name, open, close }: { name: string; open: boolean; close: () => void }) {
  const plan = useQuery({ ...asked.plan(name), enabled: open });
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

export function PlanText({ plan }: { plan: Plan }) {
  return (
    <>
      <p>{t.activate.sends(plan.records, plan.requests, plan.eta_s)}</p>
      <ul>
        {plan.asking > 0 && <li>{t.activate.asking(plan.asking)}</li>}
        <li>{t.activate.creates(plan.creates_or_updates)}</li>
        <li>{t.activate.unchanged(plan.unchanged)}</li>
        {plan.held > 0 && <li>{t.activate.held(plan.held)}</li>}
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

export function Actions({ destination, main = false }: { destination: Destination; main?: boolean }) {
  const { name, state } = destination;
  const navigate = useNavigate();
  const activation = useActivation(name);
  const again = useReadAgain(name);
  const [copying, setCopying] = useState<string | null>(null);
  const refresh = [keys.kind("destinations"), keys.overview, keys.runs];
  const pause = useChange({
    run: () => api.post(at`/destinations/${name}/pause`),
    done: () => t.pause.done(name),
    undo: () => api.post(at`/destinations/${name}/activate`),
    refresh,
  });
  const run = useChange({
    run: () => api.post<Run>("/runs", { target: name }),
    done: (made) => t.run.asked(made.run),
    refresh,
    then: (made) => void navigate({ to: "/runs/$run", params: { run: made.run } }),
  });
  const copy = useChange({
    run: (to: string) => api.post<Destination>(at`/destinations/${name}/copy`, { name: to }),
    done: (_, to) => t.copy.done(to),
    refresh,
    then: (_, to) => {
      setCopying(null);
      void navigate({ to: "/destinations/$name", params: { name: to } });
    },
  });
  const remove = useChange({
    run: () => api.delete(at`/destinations/${name}`, { etag: destination.etag }),
    overwrite: () => api.delete(at`/destinations/${name}`),
    done: () => t.remove.done(name),
    undo: () => api.put(at`/destinations/${name}`, destination.value),
    refresh,
    then: () => navigate({ to: "/destinations" }),
  });
  const removal = async () => {
    if (await confirm({ title: t.remove.title(name), consequence: t.remove.consequence(state.held), verb: t.remove.verb })) remove.mutate();
  };
  const isActive = state.state === "active";
  return (
    <>
      {main && !isActive && (
        <Button leftSection={<IconPower size={14} />} onClick={activation.ask}>
          {t.actions.activate}
        </Button>
      )}
      {main && isActive && (
        <Button leftSection={<IconPlayerPlay size={14} />} onClick={() => run.mutate()} loading={run.isPending}>
          {t.actions.run}
        </Button>
      )}
      <Menu>
        <Menu.Target>
          <ActionIcon aria-label={t.actions.menu(name)}>
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {isActive ? (
            <Menu.Item leftSection={<IconPlayerPause size={14} />} onClick={() => pause.mutate()}>
              {t.actions.pause}
            </Menu.Item>
          ) : (
            <Menu.Item leftSection={<IconPower size={14} />} onClick={activation.ask}>
              {t.actions.activate}
            </Menu.Item>
          )}
          {isActive && (
            <Menu.Item leftSection={<IconPlayerPlay size={14} />} onClick={() => run.mutate()}>
              {t.actions.run}
            </Menu.Item>
          )}
          {isActive && (
            <Menu.Item leftSection={<IconRepeat size={14} />} onClick={again.ask}>
              {t.actions.again}
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconPencil size={14} />} onClick={() => void navigate({ to: "/destinations/$name/configure", params: { name } })}>
            {t.actions.edit}
          </Menu.Item>
          <Menu.Item leftSection={<IconCopy size={14} />} onClick={() => setCopying(`${name}-copy`)}>
            {t.actions.copy}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" leftSection={<IconTrash size={14} />} disabled={isActive} onClick={() => void removal()}>
            {t.actions.remove}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {activation.dialog}
      {again.dialog}
      <Modal opened={copying !== null} onClose={() => setCopying(null)} title={t.copy.title(name)}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (copying) copy.mutate(copying);
          }}
        >
          <TextInput label={t.copy.label} value={copying ?? ""} onChange={(event) => setCopying(event.currentTarget.value)} data-autofocus />
          <Button type="submit" mt="md" loading={copy.isPending}>
            {t.copy.verb}
          </Button>
        </form>
      </Modal>
    </>
  );
}
