import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const credentialRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/credentials",
    component: lazyRouteComponent(() => import("./CredentialsPage"), "CredentialsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/credentials/$name",
    component: lazyRouteComponent(() => import("./CredentialPage"), "CredentialPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/credentials/new",
    validateSearch: (search: Record<string, unknown>): { connector?: "http" | undefined } => (search["connector"] === "http" ? { connector: "http" } : {}),
    component: lazyRouteComponent(() => import("./CredentialPage"), "NewCredential"),
  }),
] as const;
