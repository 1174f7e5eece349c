/** A dialog that starts a run of a destination which sends so many records and stops. */
import { Button, Group, Modal, Stack } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "@/api/client";
import { keys } from "@/api/queries";
import type { DestinationValue, Run } from "@/api/types";
import { NumberField, useChange, useValidated, ValidityScope } from "@/parts";
import { t } from "@/texts/pages/runs";

const FIRST = 10;

/** Whether a run of the destination can send some records only: a file that is written whole would have no others. */
export const canSendFirst = (value: DestinationValue): boolean => value.template !== undefined || value.request !== undefined || value.append === true;

/** `records` is the number that the dialog suggests. */
export function useSendFirst(target: string, records = FIRST) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  const dialog = (
    <Modal opened={open} onClose={close} title={t.first.title(target)}>
      <ValidityScope>
        <Form target={target} records={records} close={close} />
      </ValidityScope>
    </Modal>
  );
  return { ask: () => setOpen(true), dialog };
}

function Form({ target, records, close }: { target: string; records: number; close: () => void }) {
  const navigate = useNavigate();
  const validated = useValidated();
  const [limit, setLimit] = useState(records);
  const run = useChange({
    run: () => api.post<Run>("/runs", { target, limit }),
    done: (made) => t.first.queued(made.run),
    refresh: [keys.kind("destinations"), keys.overview, keys.runs],
    then: (made) => {
      close();
      void navigate({ to: "/runs/$run", params: { run: made.run } });
    },
  });
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        validated(() => run.mutate())();
      }}
    >
      <Stack gap="sm">
        <p style={{ margin: 0 }}>{t.first.what(limit)}</p>
        <NumberField label={t.first.label} value={limit} onChange={(value) => setLimit(value ?? FIRST)} min={1} max={Number.MAX_SAFE_INTEGER} allowDecimal={false} data-autofocus />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t.first.back}
          </Button>
          <Button type="submit" loading={run.isPending}>
            {t.first.verb}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
