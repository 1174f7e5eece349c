/** A dialog to sign in again above the open page. Waiting requests are then repeated. */
import { Modal } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { keys } from "@/api/queries";
import type { Session } from "@/api/types";
import { signedOut } from "@/app/signedOut";
import { forgetAll } from "@/resources/drafts/draft";
import { t } from "@/texts/pages/sign-in";
import { SignInForm } from "../Form";

export function SignInAgain() {
  const client = useQueryClient();
  const before = client.getQueryData<Session>(keys.session);
  return (
    <Modal opened onClose={() => {}} withCloseButton={false} closeOnEscape={false} closeOnClickOutside={false} title={t.title} size="sm">
      <p className="muted" style={{ marginTop: 0 }}>
        {t.over}
      </p>
      <SignInForm
        name={before?.person?.name ?? ""}
        oidc={before?.oidc ?? null}
        to={window.location.pathname + window.location.search}
        then={() => {
          const now = client.getQueryData<Session>(keys.session)?.person?.name;
          if (before?.person && now !== before.person.name) {
            forgetAll(); // another user starts without this user's page and drafts
            window.location.assign("/");
            return;
          }
          signedOut.settle(true);
          void client.invalidateQueries();
        }}
      />
    </Modal>
  );
}
