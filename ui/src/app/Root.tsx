import { Outlet } from "@tanstack/react-router";
import { Button } from "@mantine/core";
import { IconPlugX } from "@tabler/icons-react";
import { useSyncExternalStore } from "react";
import { connection } from "@/api/connection";
import { t } from "@/texts/shell";
import classes from "./Shell.module.css";

export function Root() {
  return (
    <>
      <Outlet />
      <Lost />
    </>
  );
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
