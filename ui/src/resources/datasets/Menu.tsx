/** The + menu of a dataset: uses of its records. */
import { ActionIcon, Button, Menu } from "@mantine/core";
import { IconPlus, IconSql, IconTable, IconTarget } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { t } from "@/texts/pages/datasets";

export function DatasetMenu({ name, full = false }: { name: string; full?: boolean }) {
  const navigate = useNavigate();
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        {full ? (
          <Button leftSection={<IconPlus size={14} />}>{t.add(name)}</Button>
        ) : (
          <ActionIcon className="nodrag" aria-label={t.add(name)} variant="default" size={30} my={-3}>
            <IconPlus size={14} />
          </ActionIcon>
        )}
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconTarget size={14} />} onClick={() => void navigate({ to: "/destinations/new", search: { dataset: name } })}>
          {t.send}
        </Menu.Item>
        <Menu.Item leftSection={<IconSql size={14} />} onClick={() => void navigate({ to: "/datasets/new", search: { from: name } })}>
          {t.shape}
        </Menu.Item>
        <Menu.Item leftSection={<IconTable size={14} />} onClick={() => void navigate({ to: "/datasets/$name", params: { name } })}>
          {t.view}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
