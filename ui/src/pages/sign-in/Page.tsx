import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { queries } from "@/api/queries";
import { t } from "@/texts/pages/sign-in";
import { Card } from "./card/Card";
import { SignInForm, WANTED } from "./Form";

export function SignIn() {
  const { to: requested, again, refused } = useSearch({ from: "/sign-in" });
  const to = requested ?? (refused === undefined ? undefined : (sessionStorage.getItem(WANTED) ?? undefined));
  const session = useQuery(queries.session());
  const navigate = useNavigate();
  const { oidc, setup } = session.data ?? {};
  if (setup)
    return (
      <Card title={t.setup}>
        <p className="muted">{t.setupHint}</p>
      </Card>
    );
  return (
    <Card title={t.title} {...(again && { note: t.again })}>
      <SignInForm oidc={oidc ?? null} to={to} refused={refused} then={() => void navigate({ href: to ?? "/flows", replace: true })} />
    </Card>
  );
}
