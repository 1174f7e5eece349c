import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const responseRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/responses",
    component: lazyRouteComponent(() => import("./ResponsesPage"), "ResponsesPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/responses/$destination",
    component: lazyRouteComponent(() => import("./ResponsePage"), "ResponsePage"),
  }),
] as const;
