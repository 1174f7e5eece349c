import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const versionRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/versions",
    component: lazyRouteComponent(() => import("./VersionsPage"), "VersionsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/versions/$version",
    component: lazyRouteComponent(() => import("./VersionPage"), "VersionPage"),
  }),
] as const;
