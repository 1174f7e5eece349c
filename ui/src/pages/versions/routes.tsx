import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";
import { type View, VIEWS } from "./search";

export const versionRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/versions",
    component: lazyRouteComponent(() => import("./List"), "VersionsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/versions/$version",
    validateSearch: (search): { view?: View } => {
      const view = VIEWS.find((one) => one === search["view"]);
      return view === undefined ? {} : { view };
    },
    component: lazyRouteComponent(() => import("./Page"), "VersionPage"),
  }),
] as const;
