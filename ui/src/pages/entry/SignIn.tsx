import { Alert, Button, Divider, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, setCsrf } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Session } from "@/api/types";
import { Problems, problemsOf } from "@/parts/States";
import { t } from "@/texts/shell";
import { Card } from "./Card";

export function SignIn() {
  const { to, again, refused } = useSearch({ from: "/sign-in" });
  const session = useQuery(queries.session());
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const signedIn = await api.post<Session>("/session", { name, password });
      setCsrf(signedIn.csrf);
      client.setQueryData(keys.session, signedIn);
      await navigate({ href: to ?? "/flows", replace: true });
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  const { oidc, setup } = session.data ?? {};
  if (setup)
    return (
      <Card title={t.signIn.setup}>
        <p className="muted">{t.signIn.setupHint}</p>
      </Card>
    );
  return (
    <Card title={t.signIn.title} {...(again && { note: t.signIn.again })}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap="sm">
          <TextInput size="sm" label={t.signIn.name} value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="username" required withAsterisk={false} autoFocus />
          <PasswordInput size="sm" label={t.signIn.password} value={password} onChange={(event) => setPassword(event.currentTarget.value)} autoComplete="current-password" required withAsterisk={false} />
          {error !== null && <Problems problems={problemsOf(error)} />}
          <Button type="submit" size="sm" loading={busy} fullWidth>
            {t.signIn.submit}
          </Button>
        </Stack>
      </form>
      {oidc && (
        <>
          <Divider label={t.signIn.or} my="md" />
          {refused !== undefined && (
            <Alert color="red" mb="sm" role="alert">
              {t.signIn.refused[refused] ?? t.signIn.refusedElse}
            </Alert>
          )}
          <Button component="a" href={`${oidc.url}?${new URLSearchParams({ to: to ?? "/flows" }).toString()}`} variant="default" size="sm" fullWidth>
            {t.signIn.with(oidc.label)}
          </Button>
        </>
      )}
    </Card>
  );
}
