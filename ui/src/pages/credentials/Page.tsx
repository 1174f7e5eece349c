/** The page of an account: settings, API key, last check. */
import { Button, PasswordInput } from "@mantine/core";
import { IconPlugConnected } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Check, Credential, CredentialValue } from "@/api/types";
import { Empty, Panel, Status, Time, useChange } from "@/parts";
import { CheckText, CredentialFields } from "@/resources/credentials/Fields";
import classes from "@/resources/style.module.css";
import type { Value } from "@/resources/Editor";
import { ResourcePage } from "@/resources/Page";
import { t as texts } from "@/texts/pages/credentials";
import { t } from "@/texts/resources";

export function CredentialPage() {
  const { name } = useParams({ from: "/shell/credentials/$name" });
  const refresh = [keys.kind("credentials")];
  const check = useChange({ run: () => api.post<Check>(at`/credentials/${name}/check`, { refresh: true }), refresh });
  return (
    <ResourcePage
      kind="credentials"
      name={name}
      description={(found) => texts.connectors[(found.value as CredentialValue).connector ?? "custify"]}
      actions={() => (
        <Button variant="default" leftSection={<IconPlugConnected size={14} />} onClick={() => check.mutate()} loading={check.isPending}>
          {t.check}
        </Button>
      )}
      shows={["base_url", "rate_limit", "per", "requests", "timeout", "path"]}
      form={({ value, onChange, problems }) => (
        <div className={classes.split}>
          <div className={classes.main}>
            <Panel title={texts.settings}>
              <div className={classes.form}>
                <CredentialFields value={value as CredentialValue} onChange={(next) => onChange(next as Value)} problems={problems} open />
                <MovedKey name={name} value={value} onChange={onChange} />
              </div>
            </Panel>
            {(value as CredentialValue).connector !== "file" && <SealedKey name={name} />}
          </div>
          <div className={classes.side}>
            {(value as CredentialValue).connector !== "file" && <LastCheck name={name} />}
            <UsedBy name={name} />
          </div>
        </div>
      )}
    />
  );
}

/** The stored key is not sent to a new host: the user types it again when the host changes. */
function MovedKey({ name, value, onChange }: { name: string; value: Value; onChange: (value: Value) => void }) {
  const { data } = useQuery(queries.one("credentials", name));
  const hosts = (of: Value) => JSON.stringify([of["base_url"], of["allowed_hosts"]]);
  if (data?.state.has_key !== true || hosts(data.value as Value) === hosts(value)) return null;
  return (
    <PasswordInput
      label={t.keyAnew}
      description={texts.keyAnewHint}
      value={String(value["api_key"] ?? "")}
      autoComplete="off"
      onChange={(event) => {
        const { api_key: _, ...rest } = value;
        onChange(event.currentTarget.value === "" ? rest : { ...rest, api_key: event.currentTarget.value });
      }}
    />
  );
}

function SealedKey({ name }: { name: string }) {
  const query = useQuery(queries.one("credentials", name));
  const [key, setKey] = useState("");
  const seal = useChange({ run: () => api.put(at`/credentials/${name}/secret`, { secret: key }), done: () => t.keySet, refresh: [keys.kind("credentials")], then: () => setKey("") });
  const sealed = query.data?.state.has_key === true;
  return (
    <Panel title={t.key}>
      <form
        className={classes.line}
        onSubmit={(event) => {
          event.preventDefault();
          seal.mutate();
        }}
      >
        <PasswordInput className={classes.grow} label={sealed ? t.keySealed : t.keyNone} description={sealed ? texts.keyKept : texts.keyHint} value={key} autoComplete="off" onChange={(event) => setKey(event.currentTarget.value)} />
        <Button type="submit" variant="default" disabled={key === ""} loading={seal.isPending}>
          {t.setKey}
        </Button>
      </form>
    </Panel>
  );
}

function LastCheck({ name }: { name: string }) {
  const query = useQuery(queries.one("credentials", name));
  const check = (query.data as Credential | undefined)?.state.check ?? null;
  return (
    <Panel title={texts.last} actions={check?.at ? <span className="muted"><Time at={check.at} /></span> : undefined}>
      {check === null ? (
        <Empty compact title={texts.never}>
          {texts.neverHint}
        </Empty>
      ) : (
        <CheckText check={check} />
      )}
    </Panel>
  );
}

function UsedBy({ name }: { name: string }) {
  const query = useQuery(queries.kind("destinations"));
  const using = (query.data ?? []).filter((destination) => destination.value.credential === name);
  return using.length === 0 ? null : (
    <Panel title={texts.usedBy}>
      <ul style={{ margin: 0, padding: 0, listStyle: "none", display: "grid", gap: 8 }}>
        {using.map((destination) => (
          <li key={destination.name} style={{ display: "flex", gap: 10, alignItems: "center" }}>
            <Status of={destination.state.state} />
            <Link to="/destinations/$name" params={{ name: destination.name }}>
              {destination.name}
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
