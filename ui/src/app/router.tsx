import { createRoute, createRouter, redirect } from "@tanstack/react-router";
import { auditRoutes } from "@/pages/audit/routes";
import { credentialRoutes } from "@/pages/credentials/routes";
import { datasetRoutes } from "@/pages/datasets/routes";
import { destinationRoutes } from "@/pages/destinations/routes";
import { flowRoutes } from "@/pages/flows/routes";
import { quarantineRoutes } from "@/pages/quarantine/routes";
import { responseRoutes } from "@/pages/responses/routes";
import { runRoutes } from "@/pages/runs/routes";
import { settingsRoutes } from "@/pages/settings/routes";
import { signInRoutes } from "@/pages/sign-in/routes";
import { sourceRoutes } from "@/pages/sources/routes";
import { versionRoutes } from "@/pages/versions/routes";
import { client } from "./queryClient";
import { NotFound } from "./Errors";
import { rootRoute, shellRoute } from "./parents";

const home = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/flows" });
  },
});

const elsewhere = createRoute({ getParentRoute: () => shellRoute, path: "$", component: NotFound });

const tree = rootRoute.addChildren([
  home,
  ...signInRoutes,
  shellRoute.addChildren([
    ...flowRoutes,
    ...destinationRoutes,
    ...responseRoutes,
    ...runRoutes,
    ...quarantineRoutes,
    ...sourceRoutes,
    ...datasetRoutes,
    ...credentialRoutes,
    ...versionRoutes,
    ...auditRoutes,
    ...settingsRoutes,
    elsewhere,
  ]),
]);

export const router = createRouter({
  routeTree: tree,
  context: { client },
  defaultPreload: "intent",
  defaultNotFoundComponent: NotFound,
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
