import { Button } from "@mantine/core";
import { IconBug, IconMapPinOff } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { Empty } from "@/parts/page/States";
import { t } from "@/texts/shell";

export function NotFound() {
  const navigate = useNavigate();
  return (
    <Empty
      icon={IconMapPinOff}
      title={t.states.notFound}
      actions={
        <Button variant="default" onClick={() => void navigate({ to: "/flows" })}>
          {t.states.toFlows}
        </Button>
      }
    >
      {t.states.notFoundHint}
    </Empty>
  );
}

/** Shown in place of a page that threw an error. The rest of the program stays usable. */
export function Defect({ error }: { error: unknown }) {
  return (
    <Empty
      icon={IconBug}
      title={t.states.defect}
      actions={
        <Button variant="default" onClick={() => window.location.reload()}>
          {t.states.reload}
        </Button>
      }
    >
      <p>{t.states.defectHint}</p>
      <code>{error instanceof Error ? error.message : String(error)}</code>
    </Empty>
  );
}
