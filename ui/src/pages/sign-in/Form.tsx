/** Sign-in by name and password, or by the identity provider. */
import { Alert, Button, Divider, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, setCsrf } from "@/api/client";
import { keys } from "@/api/queries";
import type { Session } from "@/api/types";
import { Problems, problemsOf } from "@/parts/page/States";
import { t } from "@/texts/pages/sign-in";

/** The page to open after sign-in by the identity provider, which does not return it when it refuses a user. */
export const WANTED = "penstock.wanted";

interface Props {
  /** The name that is filled in. */
  name?: string;
  oidc: Session["oidc"];
  /** The page to return to from the identity provider. */
  to?: string | undefined;
  /** Why the identity provider refused the user. */
  refused?: string | undefined;
  then: () => void;
}

export function SignInForm({ name: first = "", oidc, to, refused, then }: Props) {
  const client = useQueryClient();
  const [name, setName] = useState(first);
  const [password, setPassword] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const session = await api.post<Session>("/session", { name, password });
      setCsrf(session.csrf);
      client.setQueryData(keys.session, session);
      then();
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  const known = first !== "";
  return (
    <>
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap="sm">
          <TextInput size="sm" label={t.name} value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="username" required withAsterisk={false} data-autofocus={!known || undefined} autoFocus={!known} />
          <PasswordInput size="sm" label={t.password} value={password} onChange={(event) => setPassword(event.currentTarget.value)} autoComplete="current-password" required withAsterisk={false} data-autofocus={known || undefined} autoFocus={known} />
          {error !== null && <Problems problems={problemsOf(error)} />}
          <Button type="submit" size="sm" loading={busy} fullWidth>
            {t.submit}
          </Button>
        </Stack>
      </form>
      {oidc && (
        <>
          <Divider label={t.or} my="md" />
          {refused !== undefined && (
            <Alert color="red" mb="sm" role="alert">
              {t.refused[refused] ?? t.refusedElse}
            </Alert>
          )}
          <Button component="a" href={`${oidc.url}?${new URLSearchParams({ to: to ?? "/flows" }).toString()}`} onClick={() => sessionStorage.setItem(WANTED, to ?? "/flows")} variant="default" size="sm" fullWidth>
            {t.with(oidc.label)}
          </Button>
        </>
      )}
    </>
  );
}
