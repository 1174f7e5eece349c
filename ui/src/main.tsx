import "@fontsource-variable/ibm-plex-sans/wght.css";
import "@fontsource/ibm-plex-mono/latin-400.css";
import "@fontsource/ibm-plex-mono/latin-600.css";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "./theme/global.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { onSignedOut } from "./api/client";
import { connection } from "./api/connection";
import { client } from "./app/queryClient";
import { router } from "./app/router";
import { signedOut } from "./app/signedOut";
import { ConfirmDialog } from "./parts/changes/Confirm";
import { nonce } from "./theme/nonce";
import { theme, variables } from "./theme/theme";

setNonce(nonce());

// A signed-out user signs in above the open page, so that nothing that they typed is lost.
onSignedOut(() => {
  const { pathname } = router.state.location;
  return pathname === "/sign-in" || pathname === "/setup" ? Promise.resolve(false) : signedOut.ask();
});
connection.onReturn(() => void client.invalidateQueries());

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={nonce}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
        <ConfirmDialog />
        <Notifications position="bottom-right" limit={4} containerWidth={400} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
