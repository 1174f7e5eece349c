/** The choice of an account, with its last check, and a dialog that adds one. */
import { Button, Group, UnstyledButton } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "@/api/queries";
import type { Credential } from "@/api/types";
import { Empty, Loaded, Status } from "@/parts";
import { AddCredential } from "@/resources/credentials/Form";
import { t } from "@/texts/pages/destinations";
import classes from "../style.module.css";

interface Props {
  connector: "custify" | "http" | "file";
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
            <Empty compact title={connector === "file" ? t.steps.noFolder : t.steps.noCredential} />
          ) : (
            <div className={classes.tiles} role="radiogroup" aria-label={connector === "file" ? t.steps.chooseFolder : t.steps.chooseCredential}>
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
