/** A dialog that asks before a destructive action and shows its consequence in numbers. */
import { Button, Group, Modal, Text } from "@mantine/core";
import { type ReactNode, useState, useSyncExternalStore } from "react";
import { t } from "@/texts/shell";

interface Question {
  title: string;
  /** The consequence, in numbers: "312 records in quarantine are discarded." */
  consequence: ReactNode;
  /** The verb of the button: "Delete", "Discard 312 records". */
  verb: string;
  cancel?: string;
  /** Red by default. */
  tone?: "danger" | "plain";
  /** A third button, beside the verb and Cancel. */
  other?: string;
  size?: "md" | "xl";
}
export type Answer = "yes" | "other" | "no";
interface OpenQuestion extends Question {
  answer: (answer: Answer) => void;
}

let open: OpenQuestion | null = null;
const listeners = new Set<() => void>();
function set(next: OpenQuestion | null): void {
  open = next;
  for (const listener of listeners) listener();
}

/** Resolves to true when the user confirms. */
export async function confirm(question: Question): Promise<boolean> {
  return (await choose(question)) === "yes";
}

/** Resolves to the button that was pressed; Escape is "no". */
export function choose(question: Question): Promise<Answer> {
  return new Promise((answer) => set({ ...question, answer }));
}

/** Rendered once, in the shell. */
export function ConfirmDialog() {
  const current = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => open,
  );
  const [shown, setShown] = useState<Question | null>(null); // keeps the text while the dialog closes
  if (current !== null && current !== shown) setShown(current);
  const close = (answer: Answer) => {
    current?.answer(answer);
    set(null);
  };
  return (
    <Modal opened={current !== null} onClose={() => close("no")} title={shown?.title} size={shown?.size ?? "md"}>
      <Text size="sm" component="div">
        {shown?.consequence}
      </Text>
      <Group justify="flex-end" mt="lg" gap="xs">
        <Button variant="default" onClick={() => close("no")} data-autofocus>
          {shown?.cancel ?? t.change.cancel}
        </Button>
        {shown?.other && (
          <Button variant="default" onClick={() => close("other")}>
            {shown.other}
          </Button>
        )}
        <Button color={shown?.tone === "plain" ? undefined : "red"} onClick={() => close("yes")}>
          {shown?.verb}
        </Button>
      </Group>
    </Modal>
  );
}
