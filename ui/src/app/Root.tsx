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

/** The session ended: sign in above whatever is open. */
function SignedOut() {
  const asking = useSyncExternalStore(signedOut.subscribe, signedOut.isAsking);
  return <Suspense>{asking && <SignInAgain />}</Suspense>;
}

/** Nothing answers: said once, for all pages. It lies over the page, so that nothing moves. */
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
