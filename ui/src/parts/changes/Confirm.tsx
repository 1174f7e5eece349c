/** A destructive act asks once, with its consequence in numbers. */
import { Button, Group, Modal, Text } from "@mantine/core";
import { type ReactNode, useState, useSyncExternalStore } from "react";
import { t } from "@/texts/shell";

interface Question {
  title: string;
  /** What will be so afterwards, in numbers: "312 held records are discarded and never sent in this version." */
  consequence: ReactNode;
  /** The verb of the button: "Delete", "Discard 312 records". */
  verb: string;
  cancel?: string;
  /** Red by default. */
  tone?: "danger" | "plain";
  /** A third way, beside the verb and the way back. */
  other?: string;
  size?: "md" | "xl";
}
export type Answer = "yes" | "other" | "no";
interface Asked extends Question {
  answer: (said: Answer) => void;
}

let asked: Asked | null = null;
const listeners = new Set<() => void>();
function set(next: Asked | null): void {
  asked = next;
  for (const listener of listeners) listener();
}

/** Resolves to true when the person agrees. */
export async function confirm(question: Question): Promise<boolean> {
  return (await choose(question)) === "yes";
}

/** The same with a third way; Escape is the way back, "no". */
export function choose(question: Question): Promise<Answer> {
  return new Promise((answer) => set({ ...question, answer }));
}

/** Mounted once, in the shell. */
export function ConfirmDialog() {
  const current = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => asked,
  );
  const [shown, setShown] = useState<Question | null>(null); // keeps the words while it closes
  if (current !== null && current !== shown) setShown(current);
  const close = (said: Answer) => {
    current?.answer(said);
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
