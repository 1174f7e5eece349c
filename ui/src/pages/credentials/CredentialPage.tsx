/** An account: its settings, its sealed key, and what its check said. */
import { Button, PasswordInput } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Check } from "@/api/types";
import { Facts, Panel, Status, useChange } from "@/parts";
import { NewResource, ResourcePage } from "@/resources/ResourcePage";
import { t } from "@/texts/resources";

export function CredentialPage() {
  const { name } = useParams({ from: "/shell/credentials/$name" });
  const refresh = [keys.kind("credentials")];
  const check = useChange({ run: () => api.post<Check>(at`/credentials/${name}/check`, { refresh: true }), done: (found) => found.reason, refresh });
  const [key, setKey] = useState("");
  const seal = useChange({ run: () => api.put(at`/credentials/${name}/secret`, { secret: key }), done: () => t.keySet, refresh, then: () => setKey("") });
  return (
    <ResourcePage
      kind="credentials"
      name={name}
      actions={() => (
        <Button variant="default" onClick={() => check.mutate()} loading={check.isPending}>
          {t.check}
        </Button>
      )}
    >
      {(resource) => {
        const state = resource.state as { has_key: boolean; check: Check | null };
        return (
          <>
            <Panel title={t.key}>
              <form
                onSubmit={(event) => {
                  event.preventDefault();
                  seal.mutate();
                }}
                style={{ display: "flex", gap: 8, alignItems: "flex-end" }}
              >
                <PasswordInput label={state.has_key ? t.keySealed : t.keyNone} value={key} autoComplete="off" onChange={(event) => setKey(event.currentTarget.value)} w={320} />
                <Button type="submit" disabled={key === ""} loading={seal.isPending}>
                  {t.setKey}
                </Button>
              </form>
            </Panel>
            {state.check && (
              <Panel title={t.columns.check}>
                <Facts
                  items={[
                    [t.columns.check, <Status key="s" of={state.check.ok ? "ok" : "error"} label={state.check.reason} />],
                    [t.columns.base, state.check.base_url ?? "–"],
                    ...state.check.tried.map((one): [string, string] => [one.base_url, one.result]),
                  ]}
                />
              </Panel>
            )}
          </>
        );
      }}
    </ResourcePage>
  );
}

export function NewCredential() {
  return <NewResource kind="credentials" first={{ connector: "custify", base_url: "auto" }} />;
}
