import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const credentialRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/credentials",
    component: lazyRouteComponent(() => import("./List"), "CredentialsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/credentials/$name",
    component: lazyRouteComponent(() => import("./Page"), "CredentialPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/credentials/new",
    validateSearch: (search: Record<string, unknown>): { connector?: "http" | "file" | undefined } => {
      const { connector } = search;
      return connector === "http" || connector === "file" ? { connector } : {};
    },
    component: lazyRouteComponent(() => import("./new/Page"), "NewCredential"),
  }),
] as const;
