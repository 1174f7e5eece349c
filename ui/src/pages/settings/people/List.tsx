/** Users: add, change role, create a password link, remove. */
import { ActionIcon, Button, Menu, Modal, Select, TextInput } from "@mantine/core";
import { IconDots, IconKey, IconPlus, IconTrash, IconUsers } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, at } from "@/api/client";
import { everything } from "@/api/queries";
import type { NewPerson, PasswordLink, Person, Role, Session } from "@/api/types";
import { type Col, confirm, DataTable, Empty, Loaded, Problems, problemsOf, SecretDialog, Time, useChange } from "@/parts";
import { t as all } from "@/texts/pages/settings";
import { tokensQuery } from "../queries";
import classes from "../style.module.css";

const t = all.people;
const ROLES: Role[] = ["viewer", "operator", "editor", "admin"];
const KEY = ["people"] as const;

/** The one-time link for the user, with their name. */
const whole = (link: string, name: string): string => `${window.location.origin}${link}&name=${encodeURIComponent(name)}`;

export function People({ session }: { session: Session }) {
  const people = useQuery({ queryKey: KEY, queryFn: ({ signal }) => everything<Person>("/people", {}, signal) });
  const [adding, setAdding] = useState(false);
  const [link, setLink] = useState<{ name: string; link: string } | null>(null);
  return (
    <div className={classes.part}>
      <div className={classes.head}>
        <p className="muted">{session.sign_in ? t.about : t.local}</p>
        <Button leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>
          {t.add}
        </Button>
      </div>
      <Loaded query={people} height={160}>
        {(rows) => <Table people={rows} me={session.person?.name ?? null} onLink={(name, made) => setLink({ name, link: whole(made, name) })} />}
      </Loaded>
      <AddPerson
        open={adding}
        close={() => setAdding(false)}
        added={(name, made) => {
          setAdding(false);
          if (made !== undefined) setLink({ name, link: whole(made, name) });
        }}
      />
      {link !== null && <SecretDialog title={t.linkTitle(link.name)} text={t.linkText} label={t.link} value={link.link} close={() => setLink(null)} />}
    </div>
  );
}

function Table({ people, me, onLink }: { people: Person[]; me: string | null; onLink: (name: string, link: string) => void }) {
  const tokens = useQuery(tokensQuery());
  const change = useChange({
    run: ({ name, role }: { name: string; role: Role; before: Role }) => api.patch<Person>(at`/people/${name}`, { role }),
    done: (row) => t.changed(row.name, t.roles[row.role] ?? row.role),
    undo: (_, { name, before }) => api.patch(at`/people/${name}`, { role: before }),
    refresh: [KEY],
  });
  const reset = useChange({
    run: (name: string) => api.post<PasswordLink>(at`/people/${name}/reset`),
    refresh: [KEY],
    then: (made, name) => onLink(name, made.link),
  });
  const remove = useChange({ run: (name: string) => api.delete(at`/people/${name}`), done: (_, name) => t.removed(name), refresh: [KEY, tokensQuery().queryKey] });
  const askReset = async (name: string) => {
    if (await confirm({ title: t.resetTitle(name), consequence: t.resetText, verb: t.resetVerb, tone: "plain" })) reset.mutate(name);
  };
  const askRemove = async (name: string) => {
    const own = (tokens.data ?? []).filter((token) => token.owner === name).length;
    if (await confirm({ title: t.removeTitle(name), consequence: t.removeText(own), verb: t.remove })) remove.mutate(name);
  };
  const columns: Col<Person>[] = [
    { id: "name", header: t.name, by: (row) => row.name, cell: (row) => <b>{row.name}</b> },
    { id: "email", header: t.email, by: (row) => row.email, cell: (row) => row.email ?? <span className="muted">–</span> },
    {
      id: "role",
      header: t.role,
      width: 170,
      by: (row) => ROLES.indexOf(row.role as Role),
      cell: (row) => (
        <Select
          aria-label={`${t.role}: ${row.name}`}
          data={ROLES.map((role) => ({ value: role, label: t.roles[role] ?? role }))}
          value={row.role}
          allowDeselect={false}
          onChange={(role) => role !== null && role !== row.role && change.mutate({ name: row.name, role: role as Role, before: row.role as Role })}
        />
      ),
    },
    { id: "signs", header: t.signs, width: 170, cell: (row) => (row.has_password ? t.byPassword : row.has_sign_on ? t.bySignOn : <span className="muted">{t.byNothing}</span>) },
    { id: "seen", header: t.seen, width: 160, by: (row) => row.seen_at, cell: (row) => <Time at={row.seen_at} /> },
    {
      id: "actions",
      header: "",
      width: 52,
      cell: (row) => (
        <Menu>
          <Menu.Target>
            <ActionIcon aria-label={t.menu(row.name)}>
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconKey size={14} />} onClick={() => void askReset(row.name)}>
              {t.reset}
            </Menu.Item>
            <Menu.Item color="red" leftSection={<IconTrash size={14} />} disabled={row.name === me} onClick={() => void askRemove(row.name)}>
              {t.remove}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ),
    },
  ];
  return (
    <DataTable
      label={all.tabs.people}
      rows={people}
      columns={columns}
      rowKey={(row) => row.name}
      rowHeight={44}
      height={520}
      minWidth={820}
      empty={
        <Empty icon={IconUsers} title={t.none}>
          {t.noneHint}
        </Empty>
      }
    />
  );
}

function AddPerson({ open, close, added }: { open: boolean; close: () => void; added: (name: string, link: string | undefined) => void }) {
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("editor");
  const add = useChange({
    run: () => api.post<NewPerson>("/people", { name: name.trim(), role, ...(email.trim() !== "" && { email: email.trim() }) }),
    done: (row) => t.added(row.name),
    refresh: [KEY],
    quiet: true,
    then: (row) => {
      setName("");
      setEmail("");
      added(row.name, row.link ?? undefined);
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
        <TextInput label={t.name} description={t.nameHint} value={name} required withAsterisk={false} autoComplete="off" onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <TextInput label={t.email} description={t.emailHint} value={email} type="email" autoComplete="off" onChange={(event) => setEmail(event.currentTarget.value)} />
        <Select
          label={t.role}
          description={t.rolesHint[role]}
          data={ROLES.map((one) => ({ value: one, label: t.roles[one] ?? one }))}
          value={role}
          allowDeselect={false}
          onChange={(input) => input !== null && setRole(input as Role)}
        />
        {add.isError && <Problems problems={problemsOf(add.error)} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={close}>
            {all.cancel}
          </Button>
          <Button type="submit" loading={add.isPending}>
            {t.add}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
