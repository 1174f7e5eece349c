/** The URL, key, pauses and latest records of a webhook. Refreshed every two seconds. */
import { Button, Loader, Modal, TextInput } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type JSX, useState } from "react";
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Hook, HookKey } from "@/api/types";
import { cellText, Code, confirm, Copy, Facts, Loaded, Panel, Status, Time, useChange } from "@/parts";
import classes from "@/resources/style.module.css";
import { t } from "@/texts/pages/sources";
import { plainText } from "@/texts/service";
import { sourceQueries } from "../queries";
import { exampleRequest } from "./example";

export function HookPanel({ name }: { name: string }) {
  const query = useQuery(sourceQueries.hook(name, 2_000));
  return (
    <Loaded query={query} height={280}>
      {(hook) => <Shown name={name} hook={hook} />}
    </Loaded>
  );
}

function Shown({ name, hook }: { name: string; hook: Hook }) {
  const { auth, samples } = hook;
  const hasSecret = auth.type !== "none" && auth.has_secret;
  const url = new URL(hook.url, window.location.origin).href;
  const [key, setKey] = useState<string | null>(null);
  const make = useChange({
    run: () => api.post<HookKey>(at`/sources/${name}/hook/key`),
    refresh: [keys.one("sources", name)],
    then: (made) => setKey(made.key),
  });
  const ask = async () => {
    if (!hasSecret || (await confirm({ title: t.hook.newKeyTitle(name), consequence: t.hook.newKeyText, verb: t.hook.newKey }))) make.mutate();
  };
  return (
    <>
      <Panel
        title={t.hook.title}
        actions={
          auth.type !== "none" && (
            <Button variant={hasSecret ? "default" : "filled"} leftSection={<IconKey size={14} />} loading={make.isPending} onClick={() => void ask()}>
              {hasSecret ? t.hook.newKey : t.hook.makeKey}
            </Button>
          )
        }
      >
        <div className={classes.form}>
          <Facts
            items={[
              [
                t.hook.address,
                <span key="a" style={{ display: "inline-flex", alignItems: "center", gap: 6 }}>
                  <code>{url}</code> <Copy text={url} />
                </span>,
              ],
              ...(auth.type === "none" ? [] : ([[t.hook.key, auth.has_secret ? <Status key="k" of="ok" label={t.hook.keyThere} plain /> : <Status key="k" of="waiting" label={t.hook.keyNone} plain />]] as [string, JSX.Element][])),
            ]}
          />
          <p className={classes.hint}>{t.hook.addressHint}</p>
          <p className={classes.hint}>{t.hook.example}:</p>
          <Code value={exampleRequest(url, auth, key)} language="text" label={t.hook.example} readOnly lines={false} />
        </div>
      </Panel>
      {hook.paused.length > 0 && (
        <Panel title={t.hook.paused}>
          <div className={classes.form} role="status">
            {hook.paused.map((feed) => (
              <Facts
                key={feed.target}
                items={[
                  [t.hook.pausedTarget(feed.target), <Status key="s" of="paused" />],
                  [t.hook.pausedReason, plainText(feed.reason)],
                  [t.hook.pausedSince, <Time key="a" at={feed.since} />],
                  [t.hook.pausedNext, <Time key="n" at={feed.next_at} />],
                ]}
              />
            ))}
            <p className={classes.hint}>{t.hook.pausedHint}</p>
          </div>
        </Panel>
      )}
      <Panel title={t.hook.latest}>
        <div className={classes.form} role="status">
          {hook.received === 0 ? (
            <p className={classes.hint} style={{ display: "flex", gap: 10, alignItems: "center" }}>
              <Loader size={14} type="dots" /> <span><b>{t.hook.waiting}.</b> {t.hook.waitingHint}</span>
            </p>
          ) : (
            <span style={{ display: "inline-flex", gap: 8, alignItems: "center", fontSize: 13 }}>
              <Status of="ok" label={t.hook.received(hook.received)} /> <span className="muted">{t.hook.last}</span> <Time at={hook.last_at} />
            </span>
          )}
        </div>
        {samples.length > 0 && (
          <ol style={{ listStyle: "none", margin: "12px 0 0", padding: 0, display: "grid", gap: 8 }}>
            {samples.map((sample, i) => (
              <li key={`${sample.at}${i}`} style={{ display: "grid", gridTemplateColumns: "130px 1fr", gap: 12, alignItems: "baseline", fontSize: 13 }}>
                <span className="muted">
                  <Time at={sample.at} />
                </span>
                <code className="truncate" title={cellText(sample.record)}>
                  {cellText(sample.record)}
                </code>
              </li>
            ))}
          </ol>
        )}
      </Panel>
      <Modal opened={key !== null} onClose={() => setKey(null)} title={t.hook.keyLabel} size="lg">
        <p className={classes.hint}>{t.hook.shown}</p>
        <div className={classes.line} style={{ marginTop: 12 }}>
          <TextInput className={classes.grow} aria-label={t.hook.keyLabel} value={key ?? ""} readOnly styles={{ input: { fontFamily: "var(--p-mono)" } }} onFocus={(event) => event.currentTarget.select()} data-autofocus />
          <Copy text={key ?? ""} />
        </div>
        <div style={{ marginTop: 12 }}>{key !== null && <Code value={exampleRequest(url, auth, key)} language="text" label={t.hook.example} readOnly lines={false} />}</div>
      </Modal>
    </>
  );
}
