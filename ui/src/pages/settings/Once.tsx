/** A secret that is shown this once, to be copied. */
import { Button, Modal, TextInput } from "@mantine/core";
import { Copy } from "@/parts";
import { t } from "@/texts/settings";
import classes from "./Settings.module.css";

export function Once({ title, text, label, value, close }: { title: string; text: string; label: string; value: string; close: () => void }) {
  return (
    <Modal opened onClose={close} title={title} size="lg" closeOnClickOutside={false}>
      <p className="muted" style={{ marginTop: 0 }}>
        {text}
      </p>
      <TextInput label={label} value={value} readOnly className="mono" rightSection={<Copy text={value} />} onFocus={(event) => event.currentTarget.select()} data-autofocus />
      <div className={classes.buttons}>
        <Button onClick={close}>{t.done}</Button>
      </div>
    </Modal>
  );
}
