/** A form that adds an account. The account is checked before it is saved. */
import { Button, Group, Modal, PasswordInput, TextInput } from "@mantine/core";
import { useCallback, useState } from "react";
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Check, CredentialValue } from "@/api/types";
import { Problems, problemsOf, useChange, useValidated, ValidityScope } from "@/parts";
import { t } from "@/texts/pages/credentials";
import { CheckText, CredentialFields } from "./Fields";
import { useDraft } from "../drafts/draft";
import classes from "../style.module.css";
import { freeName } from "../names";

interface Props {
  connector: "custify" | "http" | "file";
  taken: string[];
  added: (name: string) => void;
}

export function AddCredential({ open, close, ...form }: Props & { open: boolean; close: () => void }) {
  return (
    <Modal opened={open} onClose={close} title={t.title} size="lg">
      <ValidityScope>
        <AddCredentialForm {...form} />
      </ValidityScope>
    </Modal>
  );
}

export function AddCredentialForm({ connector, taken, added }: Props) {
  const first = useCallback(() => ({ name: "", value: initialValue(connector) }), [connector]);
  const { draft, change: keep, restored, startOver } = useDraft(`new.credentials.${connector}`, first);
  const { name, value } = draft;
  const [key, setKey] = useState(""); // never stored in the browser
  const final = freeName(name || connector, taken);
  const given = { ...value, connector };
  const checks = connector !== "http";
  const keyed = connector !== "file";
  const check = useChange({ run: () => api.post<Check>("/credentials/check", { name: final, value: given, secret: key === "" ? null : key }), quiet: true });
  const add = useChange({
    run: async (): Promise<string> => {
      // Account and key are stored in one request, so that neither exists without the other.
      await api.post("/credentials", { name: final, value: key === "" ? given : { ...given, api_key: key } });
      if (checks) await api.post<Check>(at`/credentials/${final}/check`, { refresh: true });
      return final;
    },
    refresh: [keys.kind("credentials")],
    then: (made) => {
      startOver();
      setKey("");
      check.reset();
      added(made);
    },
    quiet: true,
  });
  const submit = async () => {
    if (!checks) return add.mutate();
    const result = await check.mutateAsync().catch(() => null); // the error is shown below
    if (result?.ok) add.mutate();
  };
  const change = (next: CredentialValue) => {
    check.reset();
    keep((old) => ({ ...old, value: next }));
  };
  const busy = check.isPending || add.isPending;
  const validated = useValidated();
  const problems = [...(check.isError ? problemsOf(check.error) : []), ...(add.isError ? problemsOf(add.error) : [])];
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        validated(() => void submit())();
      }}
    >
      {restored && (
        <p className={classes.hint} role="status">
          {t.restored}
        </p>
      )}
      <TextInput
        label={t.name}
        value={name}
        placeholder={freeName(connector, taken)}
        onChange={(event) => {
          const name = event.currentTarget.value;
          keep((old) => ({ ...old, name }));
        }}
        data-autofocus
      />
      {keyed && (
        <PasswordInput
          label={t.key}
          description={t.keyHint}
          value={key}
          autoComplete="off"
          onChange={(event) => {
            check.reset();
            setKey(event.currentTarget.value);
          }}
        />
      )}
      <CredentialFields value={given} onChange={change} problems={problems} />
      {check.isError && <Problems problems={problemsOf(check.error)} />}
      {add.isError && <Problems problems={problemsOf(add.error)} />}
      {check.data && <CheckText check={check.data} />}
      <Group justify="flex-end" gap="xs">
        {restored && (
          <Button variant="subtle" onClick={startOver} disabled={busy}>
            {t.startOver}
          </Button>
        )}
        {checks && (
          <Button variant="default" onClick={validated(() => check.mutate())} loading={check.isPending} disabled={busy}>
            {t.check}
          </Button>
        )}
        {(check.isError || (check.data && !check.data.ok)) && (
          <Button variant="default" onClick={validated(() => add.mutate())} disabled={busy}>
            {t.saveAnyway}
          </Button>
        )}
        <Button type="submit" loading={busy}>
          {t.save}
        </Button>
      </Group>
    </form>
  );
}

function initialValue(connector: Props["connector"]): CredentialValue {
  if (connector === "file") return { connector, path: "" };
  return { connector, base_url: connector === "custify" ? "auto" : "" };
}
