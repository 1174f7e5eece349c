import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";
import { isWay, type Way } from "./value";

export const sourceRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/sources",
    component: lazyRouteComponent(() => import("./SourcesPage"), "SourcesPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/sources/new",
    validateSearch: (search: Record<string, unknown>): { way?: Way } => (isWay(search["way"]) ? { way: search["way"] } : {}),
    component: lazyRouteComponent(() => import("./NewSource"), "NewSource"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/sources/$name",
    component: lazyRouteComponent(() => import("./SourcePage"), "SourcePage"),
  }),
] as const;
