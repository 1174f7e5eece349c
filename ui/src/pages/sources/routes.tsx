import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const sourceRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/sources",
    component: lazyRouteComponent(() => import("./SourcesPage"), "SourcesPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/sources/new",
    component: lazyRouteComponent(() => import("./NewSource"), "NewSource"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/sources/$name",
    component: lazyRouteComponent(() => import("./SourcePage"), "SourcePage"),
  }),
] as const;
