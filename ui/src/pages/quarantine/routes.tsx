import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const quarantineRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/quarantine",
    component: lazyRouteComponent(() => import("./QuarantinePage"), "QuarantinePage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/quarantine/$id",
    component: lazyRouteComponent(() => import("./EntryPage"), "EntryPage"),
  }),
] as const;
