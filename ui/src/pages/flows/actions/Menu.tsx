/** The menu of a flow: open, run, pause or resume. */
import { ActionIcon, Menu } from "@mantine/core";
import { IconArrowRight, IconDots, IconPlayerPause, IconPlayerPlay, IconPlayerTrackNext } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import type { FlowNode } from "@/api/types";
import { t } from "@/texts/pages/flows";
import { useFlowActions } from "./useFlowActions";

export function FlowMenu({ flow }: { flow: FlowNode }) {
  const { run, pause, resume } = useFlowActions(flow.name);
  const navigate = useNavigate();
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon aria-label={t.menu(flow.name)} size={26}>
          <IconDots size={15} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconArrowRight size={14} />} onClick={() => void navigate({ to: "/flows/$name", params: { name: flow.name } })}>
          {t.open}
        </Menu.Item>
        <Menu.Item leftSection={<IconPlayerPlay size={14} />} onClick={() => run.mutate()}>
          {t.run}
        </Menu.Item>
        {flow.schedule !== null &&
          (flow.state.paused ? (
            <Menu.Item leftSection={<IconPlayerTrackNext size={14} />} onClick={() => resume.mutate()}>
              {t.resume}
            </Menu.Item>
          ) : (
            <Menu.Item leftSection={<IconPlayerPause size={14} />} onClick={() => pause.mutate()}>
              {t.pause}
            </Menu.Item>
          ))}
      </Menu.Dropdown>
    </Menu>
  );
}
