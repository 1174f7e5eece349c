/** Which account: tiles with their last check, and an overlay that adds one and checks it at once. */
import { Button, Collapse, Group, Modal, NumberInput, PasswordInput, Select, TextInput, UnstyledButton } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Check, Credential, CredentialValue } from "@/api/types";
import { Empty, Loaded, Problems, problemsOf, Status, useChange } from "@/parts";
import { t } from "@/texts/destinations";
import classes from "./Destinations.module.css";
import { freeName } from "./value";

interface Props {
  connector: "custify" | "http";
  chosen: string;
  onChoose: (name: string) => void;
}

export function CredentialStep({ connector, chosen, onChoose }: Props) {
  const query = useQuery(queries.kind("credentials"));
  const [adding, setAdding] = useState(false);
  return (
    <>
      <Loaded query={query}>
        {(all) => {
          const fitting = all.filter((credential) => (credential.value.connector ?? "custify") === connector);
          return fitting.length === 0 ? (
            <Empty compact title={t.steps.noCredential} />
          ) : (
            <div className={classes.tiles} role="radiogroup" aria-label={t.steps.chooseCredential}>
              {fitting.map((credential) => (
                <Tile key={credential.name} credential={credential} chosen={credential.name === chosen} onChoose={() => onChoose(credential.name)} />
              ))}
            </div>
          );
        }}
      </Loaded>
      <Group mt="sm">
        <Button variant="default" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>
          {t.steps.addCredential}
        </Button>
      </Group>
      <AddCredential
        connector={connector}
        open={adding}
        close={() => setAdding(false)}
        taken={query.data?.map((one) => one.name) ?? []}
        added={(name) => {
          setAdding(false);
          onChoose(name);
        }}
      />
    </>
  );
}

function Tile({ credential, chosen, onChoose }: { credential: Credential; chosen: boolean; onChoose: () => void }) {
  const { check } = credential.state;
  return (
    <UnstyledButton className={classes.card} role="radio" aria-checked={chosen} data-chosen={chosen} onClick={onChoose}>
      <b>{credential.name}</b>
      {check === null ? (
        <span>{t.steps.unchecked}</span>
      ) : (
        <>
          <Status of={check.ok ? "ok" : "error"} label={check.ok ? t.steps.works : t.steps.failed} plain />
          <span className="truncate">{check.base_url}</span>
          {check.allowance && <span>{t.steps.left(check.allowance.remaining, check.allowance.limit)}</span>}
        </>
      )}
    </UnstyledButton>
  );
}

interface AddProps {
  connector: "custify" | "http";
  open: boolean;
  close: () => void;
  taken: string[];
  added: (name: string) => void;
}
function AddCredential({ connector, open, close, taken, added }: AddProps) {
  const [name, setName] = useState("");
  const [key, setKey] = useState("");
  const [base, setBase] = useState(connector === "custify" ? "auto" : "");
  const [requests, setRequests] = useState<number | string>(100);
  const [per, setPer] = useState("10s");
  const [dialect, setDialect] = useState("auto");
  const [more, setMore] = useState(false);
  const final = freeName(name || connector, taken);
  const value: CredentialValue = {
    connector,
    base_url: base,
    ...(dialect !== "auto" && { dialect: dialect as "native" }),
    ...((requests !== 100 || per !== "10s") && { rate_limit: { requests: Number(requests), per } }),
  };
  const [made, setMade] = useState<string | null>(null); // it is there already, only its check was not well
  const finish = () => {
    const named = made ?? final;
    setKey("");
    setName("");
    setMade(null);
    added(named);
  };
  const add = useChange({
    run: async (): Promise<Check | null> => {
      if (made === null) await api.post("/credentials", { name: final, value });
      else await api.put(at`/credentials/${made}`, value);
      const named = made ?? final;
      setMade(named);
      if (key !== "") await api.put(at`/credentials/${named}/secret`, { secret: key });
      return connector === "custify" ? api.post<Check>(at`/credentials/${named}/check`, { refresh: true }) : null;
    },
    refresh: [keys.kind("credentials")],
    then: (found) => (found === null || found.ok) && finish(),
    quiet: true,
  });
  return (
    <Modal opened={open} onClose={close} title={t.credential.title} size="lg">
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate();
        }}
      >
        <TextInput label={t.credential.name} value={name} disabled={made !== null} placeholder={freeName(connector, taken)} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <PasswordInput label={t.credential.key} description={t.credential.keyHint} value={key} autoComplete="off" onChange={(event) => setKey(event.currentTarget.value)} />
        <TextInput label={t.credential.base} description={connector === "custify" ? t.credential.baseHint : undefined} value={base} onChange={(event) => setBase(event.currentTarget.value)} />
        <Button variant="subtle" onClick={() => setMore(!more)} aria-expanded={more}>
          {t.credential.more}
        </Button>
        <Collapse expanded={more}>
          <div className={classes.line}>
            <NumberInput label={t.credential.requests} min={1} value={requests} onChange={setRequests} />
            <TextInput label={t.credential.per} value={per} onChange={(event) => setPer(event.currentTarget.value)} />
            <Select label={t.credential.dialect} data={["auto", "native", "flat"]} value={dialect} allowDeselect={false} onChange={(said) => said && setDialect(said)} />
          </div>
        </Collapse>
        {add.isError && <Problems problems={problemsOf(add.error)} />}
        {add.data && <CheckText check={add.data} />}
        <Group justify="flex-end" gap="xs">
          {add.data && !add.data.ok && (
            <Button variant="default" onClick={finish}>
              {t.credential.saveAnyway}
            </Button>
          )}
          <Button type="submit" loading={add.isPending}>
            {t.credential.save}
          </Button>
        </Group>
      </form>
    </Modal>
  );
}

export function CheckText({ check }: { check: Check }) {
  return (
    <div role="status">
      <Status of={check.ok ? "ok" : "error"} label={check.ok && check.base_url ? t.credential.answered(check.base_url) : check.reason} />
      {check.ok && check.dialect && (
        <p className={classes.hint}>
          {t.credential.speaks(check.dialect)}
          {check.allowance && ` · ${t.steps.left(check.allowance.remaining, check.allowance.limit)}`}
        </p>
      )}
      <ul className={classes.hint}>
        {check.tried.map((one) => (
          <li key={one.base_url}>
            <code>{one.base_url}</code> {one.result}
          </li>
        ))}
      </ul>
    </div>
  );
}
