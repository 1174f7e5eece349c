import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { problemHint, problemText } from "@/texts/service";
import { t } from "@/texts/shell";
import { problemsOf } from "../page/States";

interface Done {
  text: string;
  /** Called when the user presses Undo. */
  undo?: (() => void) | undefined;
}

export function toast({ text, undo }: Done): void {
  const id = notifications.show({
    message: (
      <span style={{ display: "flex", gap: 12, alignItems: "center", justifyContent: "space-between" }}>
        <span>{text}</span>
        {undo && (
          <Button
            variant="subtle"
            size="compact-xs"
            onClick={() => {
              notifications.hide(id);
              undo();
            }}
          >
            {t.change.undo}
          </Button>
        )}
      </span>
    ),
    icon: <IconCheck size={15} />,
    color: "teal",
    autoClose: undo ? 8000 : 4000,
    withBorder: true,
    closeButtonProps: { "aria-label": t.change.close },
  });
}

/** Shows every problem with its hint, for 12 seconds. */
export function toastFailure(error: unknown, title: string = t.change.failed): void {
  const problems = problemsOf(error);
  notifications.show({
    title,
    message: problems.map((problem) => [problemText(problem), problemHint(problem)].filter(Boolean).join(". ")).join("\n"),
    icon: <IconAlertTriangle size={15} />,
    color: "red",
    autoClose: 12_000,
    withBorder: true,
    closeButtonProps: { "aria-label": t.change.close },
  });
}
