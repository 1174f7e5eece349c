/** A dialog that starts a run which reads its sources again, from the start or from a value of the cursor. */
import { Button, Group, Modal, Radio, Stack, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "@/api/client";
import { keys } from "@/api/queries";
import type { Run } from "@/api/types";
import { useChange } from "@/parts";
import { t } from "@/texts/pages/runs";

const START = "start";

export function useReadAgain(target: string) {
  const [open, setOpen] = useState(false);
  return { ask: () => setOpen(true), dialog: <ReadAgain target={target} open={open} close={() => setOpen(false)} /> };
}

function ReadAgain({ target, open, close }: { target: string; open: boolean; close: () => void }) {
  const navigate = useNavigate();
  const [way, setWay] = useState(START);
  const [value, setValue] = useState("");
  const from = way === START ? START : value.trim();
  const run = useChange({
    run: () => api.post<Run>("/runs", { target, from }),
    done: (made) => t.reread.queued(made.run),
    refresh: [keys.kind("destinations"), keys.kind("flows"), keys.overview, keys.runs],
    then: (made) => {
      close();
      void navigate({ to: "/runs/$run", params: { run: made.run } });
    },
  });
  return (
    <Modal opened={open} onClose={close} title={t.reread.title(target)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (from !== "") run.mutate();
        }}
      >
        <Stack gap="sm">
          <Radio.Group value={way} onChange={setWay} label={t.reread.label} description={t.reread.hint}>
            <Stack gap={6} mt={8}>
              <Radio value={START} label={t.reread.start} />
              <Radio value="value" label={t.reread.value} />
            </Stack>
          </Radio.Group>
          {way !== START && <TextInput label={t.reread.valueLabel} description={t.reread.valueHint} value={value} onChange={(event) => setValue(event.currentTarget.value)} maxLength={1000} data-autofocus />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t.reread.back}
            </Button>
            <Button type="submit" loading={run.isPending} disabled={from === ""}>
              {t.reread.verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
