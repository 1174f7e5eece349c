/** The channels of alerts. The address of a channel is stored encrypted; it can be replaced but not read. */
import { ActionIcon, Button, TagsInput, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import type { Channel } from "@/api/types";
import { Empty } from "@/parts";
import { t as all } from "@/texts/pages/settings";
import classes from "../style.module.css";

const t = all.alerts;

export function Channels({ channels, onChange }: { channels: Record<string, Channel>; onChange: (channels: Record<string, Channel>) => void }) {
  const [name, setName] = useState("");
  const entries = Object.entries(channels);
  const set = (which: string, channel: Channel) => onChange({ ...channels, [which]: channel });
  const drop = (which: string) => onChange(Object.fromEntries(entries.filter(([one]) => one !== which)));
  const add = () => {
    const wished = name.trim();
    if (wished !== "" && !(wished in channels)) set(wished, { url: "", allowed_hosts: [] });
    setName("");
  };
  return (
    <>
      <p className="muted" style={{ marginTop: 0 }}>
        {t.channelsHint}
      </p>
      {entries.length === 0 && <Empty compact title={t.noChannels} />}
      {entries.map(([which, channel]) => (
        <div key={which} className={classes.channel} role="group" aria-label={which}>
          <b>{which}</b>
          {typeof channel.url === "string" ? (
            <TextInput label={t.url} value={channel.url} placeholder={t.urlNew} autoComplete="off" spellCheck={false} onChange={(event) => set(which, { ...channel, url: event.currentTarget.value })} />
          ) : (
            <span className="muted">
              {t.urlKept(channel.shown ?? "")}{" "}
              <Button variant="subtle" size="compact-xs" onClick={() => set(which, { ...channel, url: "" })}>
                {t.replace}
              </Button>
            </span>
          )}
          <TagsInput label={t.hosts} value={channel.allowed_hosts} onChange={(allowed_hosts) => set(which, { ...channel, allowed_hosts })} />
          <ActionIcon aria-label={t.removeChannel(which)} color="red" onClick={() => drop(which)}>
            <IconTrash size={15} />
          </ActionIcon>
        </div>
      ))}
      <form
        style={{ display: "flex", gap: 8, alignItems: "flex-end" }}
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
      >
        <TextInput label={t.channel} value={name} placeholder="ops" autoComplete="off" onChange={(event) => setName(event.currentTarget.value)} />
        <Button type="submit" variant="default" leftSection={<IconPlus size={14} />} disabled={name.trim() === ""}>
          {t.addChannel}
        </Button>
      </form>
    </>
  );
}
