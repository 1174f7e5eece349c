import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { t } from "@/texts/shell";

export function Copy({ text, className, label = t.change.copy }: { text: string; className?: string | undefined; label?: string }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t.change.copied : label}>
          <ActionIcon className={className} onClick={copy} aria-label={copied ? t.change.copied : label} size={24}>
            {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
