import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";
import { isWay, type Way } from "./value";

export const sourceRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/sources",
    component: lazyRouteComponent(() => import("./List"), "SourcesPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/sources/new",
    validateSearch: (search: Record<string, unknown>): { way?: Way } => (isWay(search["way"]) ? { way: search["way"] } : {}),
    component: lazyRouteComponent(() => import("./new/Page"), "NewSource"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/sources/$name",
    component: lazyRouteComponent(() => import("./Page"), "SourcePage"),
  }),
] as const;
