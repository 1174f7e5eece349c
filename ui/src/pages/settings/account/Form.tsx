/** The form for the user's own password. */
import { Button, PasswordInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, setCsrf } from "@/api/client";
import { keys } from "@/api/queries";
import type { Session } from "@/api/types";
import { Empty, Panel, Problems, problemsOf, useChange } from "@/parts";
import { t as all } from "@/texts/pages/settings";
import classes from "../style.module.css";

const t = all.account;

export function Account({ session }: { session: Session }) {
  const client = useQueryClient();
  const [old, setOld] = useState("");
  const [wanted, setWanted] = useState("");
  const [repeat, setRepeat] = useState("");
  const differs = repeat !== "" && repeat !== wanted;
  const change = useChange({
    run: () => api.post<Session>("/people/me/password", { old, new: wanted }),
    done: () => t.changed,
    quiet: true,
    then: (next) => {
      setCsrf(next.csrf);
      client.setQueryData(keys.session, next);
      setOld("");
      setWanted("");
      setRepeat("");
    },
  });
  if (!session.sign_in || session.person === null) return <Empty title={t.local} />;
  return (
    <Panel title={all.tabs.account}>
      <form
        className={`${classes.form} ${classes.narrow}`}
        onSubmit={(event) => {
          event.preventDefault();
          if (repeat === wanted) change.mutate();
          else setRepeat(repeat || " ");
        }}
      >
        <p className="muted" style={{ margin: 0 }}>
          {t.about(session.person.name, all.people.roles[session.person.role] ?? session.person.role)}
        </p>
        <input type="text" autoComplete="username" value={session.person.name} readOnly hidden />
        <PasswordInput label={t.old} value={old} autoComplete="current-password" required withAsterisk={false} onChange={(event) => setOld(event.currentTarget.value)} />
        <PasswordInput label={t.new} description={t.newHint} value={wanted} autoComplete="new-password" required withAsterisk={false} onChange={(event) => setWanted(event.currentTarget.value)} />
        <PasswordInput label={t.repeat} value={repeat} autoComplete="new-password" error={differs && t.differs} onChange={(event) => setRepeat(event.currentTarget.value)} />
        {change.isError && <Problems problems={problemsOf(change.error)} />}
        <div className={classes.buttons}>
          <Button type="submit" loading={change.isPending}>
            {t.change}
          </Button>
        </div>
      </form>
    </Panel>
  );
}
