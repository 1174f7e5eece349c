/** The menu of a destination: activate (after its plan), pause, run, edit, copy, delete. */
import { ActionIcon, Button, Menu, Modal, TextInput } from "@mantine/core";
import { IconCopy, IconDots, IconPencil, IconPlayerPause, IconPlayerPlay, IconPlayerSkipForward, IconPower, IconRepeat, IconTrash } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Destination, Run } from "@/api/types";
import { confirm, useChange } from "@/parts";
import { t } from "@/texts/pages/destinations";
import { useReadAgain } from "@/resources/runs/ReadAgain";
import { canSendFirst, useSendFirst } from "@/resources/runs/SendFirst";
import { useActivation } from "./Activation";

export function DestinationMenu({ destination, main = false }: { destination: Destination; main?: boolean }) {
  const { name, state } = destination;
  const navigate = useNavigate();
  const activation = useActivation(name);
  const again = useReadAgain(name);
  const first = useSendFirst(name);
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
    done: (made) => t.run.queued(made.run),
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
  const hasFirst = isActive && canSendFirst(destination.value);
  return (
    <>
      {main && !isActive && (
        <Button leftSection={<IconPower size={14} />} onClick={activation.ask}>
          {t.actions.activate}
        </Button>
      )}
      {main && hasFirst && (
        <Button variant="default" leftSection={<IconPlayerSkipForward size={14} />} onClick={first.ask}>
          {t.actions.first}
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
          {hasFirst && (
            <Menu.Item leftSection={<IconPlayerSkipForward size={14} />} onClick={first.ask}>
              {t.actions.first}
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
      {first.dialog}
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
