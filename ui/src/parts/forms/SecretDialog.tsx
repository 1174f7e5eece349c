/** Shows a secret once, to be copied. */
import { Button, Group, Modal, TextInput } from "@mantine/core";
import { t } from "@/texts/shell";
import { Copy } from "../values/Copy";

export function SecretDialog({ title, text, label, value, close }: { title: string; text: string; label: string; value: string; close: () => void }) {
  return (
    <Modal opened onClose={close} title={title} size="lg" closeOnClickOutside={false}>
      <p className="muted" style={{ marginTop: 0 }}>
        {text}
      </p>
      <TextInput label={label} value={value} readOnly className="mono" rightSection={<Copy text={value} />} onFocus={(event) => event.currentTarget.select()} data-autofocus />
      <Group justify="flex-end" gap="xs" mt="xs">
        <Button onClick={close}>{t.change.done}</Button>
      </Group>
    </Modal>
  );
}
