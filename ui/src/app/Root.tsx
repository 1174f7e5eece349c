import { Outlet } from "@tanstack/react-router";
import { Button } from "@mantine/core";
import { IconPlugX } from "@tabler/icons-react";
import { lazy, Suspense, useSyncExternalStore } from "react";
import { connection } from "@/api/connection";
import { t } from "@/texts/shell";
import classes from "./Shell.module.css";
import { signedOut } from "./signedOut";

const SignInAgain = lazy(() => import("@/pages/sign-in/again/Dialog").then((part) => ({ default: part.SignInAgain })));

export function Root() {
  return (
    <>
      <Outlet />
      <Lost />
      <SignedOut />
    </>
  );
}

/** A dialog to sign in again, above the open page. */
function SignedOut() {
  const asking = useSyncExternalStore(signedOut.subscribe, signedOut.isAsking);
  return <Suspense>{asking && <SignInAgain />}</Suspense>;
}

/** The banner for a service that does not answer. It overlays the page, so that the layout does not change. */
function Lost() {
  const answering = useSyncExternalStore(connection.subscribe, connection.isAnswering);
  return (
    <div role="status" aria-live="polite" className={classes.lostPlace}>
      {!answering && (
        <div className={classes.lost}>
          <IconPlugX size={16} aria-hidden />
          {t.states.lost}
          <Button size="compact-xs" variant="default" onClick={connection.lookNow}>
            {t.states.lookNow}
          </Button>
        </div>
      )}
    </div>
  );
}
