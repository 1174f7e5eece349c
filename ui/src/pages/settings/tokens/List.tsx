/** API tokens: create with an expiry, show once, revoke. */
import { Button, Modal, Select, TextInput } from "@mantine/core";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, at } from "@/api/client";
import type { NewToken, Role, Session, Token } from "@/api/types";
import { type Col, confirm, DataTable, Empty, Loaded, Problems, problemsOf, SecretDialog, Status, Time, useChange, useNow } from "@/parts";
import { t as all } from "@/texts/pages/settings";
import { tokensQuery } from "../queries";
import classes from "../style.module.css";

const t = all.tokens;
const ROLES: Role[] = ["viewer", "operator", "editor", "admin"];
const DAY = 86_400_000;

export function Tokens({ session }: { session: Session }) {
  const tokens = useQuery(tokensQuery());
  const now = useNow();
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const revoke = useChange({ run: (token: Token) => api.delete(at`/tokens/${token.id}`), done: (_, token) => t.revoked(token.name), refresh: [tokensQuery().queryKey] });
  const ask = async (token: Token) => {
    if (await confirm({ title: t.revokeTitle(token.name), consequence: t.revokeText(token.used_at), verb: t.revoke })) revoke.mutate(token);
  };
  const columns: Col<Token>[] = [
    { id: "name", header: t.name, by: (row) => row.name, cell: (row) => <b>{row.name}</b> },
    { id: "owner", header: t.owner, width: 150, by: (row) => row.owner, cell: (row) => row.owner },
    { id: "role", header: t.role, width: 130, by: (row) => ROLES.indexOf(row.role as Role), cell: (row) => all.people.roles[row.role] ?? row.role },
    { id: "made", header: t.made, width: 140, by: (row) => row.made_at, cell: (row) => <Time at={row.made_at} /> },
    {
      id: "expires",
      header: t.expires,
      width: 150,
      by: (row) => row.expires_at,
      cell: (row) => (row.expires_at !== null && new Date(row.expires_at) < now ? <Status of="error" label={t.over} plain /> : row.expires_at === null ? all.never : <Time at={row.expires_at} />),
    },
    { id: "used", header: t.used, width: 140, by: (row) => row.used_at, cell: (row) => <Time at={row.used_at} /> },
    {
      id: "actions",
      header: "",
      width: 90,
      align: "right",
      cell: (row) => (
        <Button variant="subtle" color="red" size="compact-xs" aria-label={t.revokeOf(row.name)} onClick={() => void ask(row)}>
          {t.revoke}
        </Button>
      ),
    },
  ];
  return (
    <div className={classes.part}>
      <div className={classes.head}>
        <p className="muted">{session.sign_in ? t.about : t.local}</p>
        <Button leftSection={<IconPlus size={14} />} disabled={!session.sign_in} onClick={() => setAdding(true)}>
          {t.add}
        </Button>
      </div>
      <Loaded query={tokens} height={160}>
        {(rows) => (
          <DataTable
            label={all.tabs.tokens}
            rows={rows}
            columns={columns}
            rowKey={(row) => row.id}
            height={520}
            minWidth={860}
            empty={
              <Empty icon={IconKey} title={t.none}>
                {t.noneHint}
              </Empty>
            }
          />
        )}
      </Loaded>
      <AddToken
        open={adding}
        most={(session.person?.role ?? "viewer") as Role}
        close={() => setAdding(false)}
        added={(token) => {
          setAdding(false);
          setMade(token);
        }}
      />
      {made !== null && <SecretDialog title={t.addTitle} text={t.onceText} label={t.once} value={made} close={() => setMade(null)} />}
    </div>
  );
}

function AddToken({ open, most, close, added }: { open: boolean; most: Role; close: () => void; added: (token: string) => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [days, setDays] = useState("90");
  const may = ROLES.slice(0, ROLES.indexOf(most) + 1);
  const add = useChange({
    run: () => api.post<NewToken>("/tokens", { name: name.trim(), role, expires_at: days === "" ? null : new Date(Date.now() + Number(days) * DAY).toISOString() }),
    refresh: [tokensQuery().queryKey],
    quiet: true,
    then: (row) => {
      setName("");
      added(row.token);
    },
  });
  return (
    <Modal opened={open} onClose={close} title={t.addTitle}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate();
        }}
      >
        <TextInput label={t.name} placeholder={t.namePlaceholder} value={name} required withAsterisk={false} autoComplete="off" onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Select
          label={t.role}
          description={all.people.rolesHint[role]}
          data={may.map((one) => ({ value: one, label: all.people.roles[one] ?? one }))}
          value={role}
          allowDeselect={false}
          onChange={(input) => input !== null && setRole(input as Role)}
        />
        <Select
          label={t.expires}
          data={["7", "30", "90", "365", ""].map((value) => ({ value: value || "never", label: t.lifetimes[value] ?? value }))}
          value={days || "never"}
          allowDeselect={false}
          onChange={(input) => input !== null && setDays(input === "never" ? "" : input)}
        />
        {add.isError && <Problems problems={problemsOf(add.error)} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={close}>
            {all.cancel}
          </Button>
          <Button type="submit" loading={add.isPending}>
            {t.create}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
