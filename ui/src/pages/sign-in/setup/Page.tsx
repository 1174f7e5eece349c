import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, setCsrf } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Session } from "@/api/types";
import { Problems, problemsOf } from "@/parts/page/States";
import { t } from "@/texts/pages/sign-in";
import { Card } from "../card/Card";
import { nameOf, tokenOf } from "./token";

const LEAST = 12;

/** Creates the first administrator, or sets a password by link. The token is after the #, so that it is in no log. */
export function Setup() {
  const [token, setToken] = useState(() => tokenOf(window.location.hash));
  const [given] = useState(token !== "");
  const [name, setName] = useState(() => nameOf(window.location.hash));
  const [password, setPassword] = useState("");
  const [repeat, setRepeat] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const session = useQuery(queries.session());
  const first = session.data?.setup !== false; // false: a link for an existing user
  const client = useQueryClient();
  const navigate = useNavigate();
  const short = password !== "" && password.length < LEAST;
  const differs = repeat !== "" && repeat !== password;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (short || differs) return;
    setBusy(true);
    setError(null);
    try {
      const session = await api.post<Session>("/setup", { token, name, password });
      setCsrf(session.csrf);
      client.setQueryData(keys.session, session);
      await navigate({ to: "/flows", replace: true });
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Card title={first ? t.link.title : t.link.again} note={first ? t.link.intro : t.link.againIntro}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap="sm">
          {!given && <TextInput size="sm" label={t.link.token} description={t.link.tokenHint} value={token} onChange={(event) => setToken(event.currentTarget.value)} required withAsterisk={false} />}
          <TextInput size="sm" label={t.link.name} value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="username" required withAsterisk={false} autoFocus />
          <PasswordInput size="sm" label={t.link.password} description={t.link.passwordHint} value={password} onChange={(event) => setPassword(event.currentTarget.value)} autoComplete="new-password" error={short && t.link.short} required withAsterisk={false} />
          <PasswordInput size="sm" label={t.link.repeat} value={repeat} onChange={(event) => setRepeat(event.currentTarget.value)} autoComplete="new-password" error={differs && t.link.differs} required withAsterisk={false} />
          {error !== null && <Problems problems={problemsOf(error)} />}
          <Button type="submit" size="sm" loading={busy} fullWidth mt={4}>
            {first ? t.link.submit : t.link.againSubmit}
          </Button>
        </Stack>
      </form>
    </Card>
  );
}
