import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const responseRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/responses",
    component: lazyRouteComponent(() => import("./List"), "ResponsesPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/responses/$destination",
    validateSearch: (search: Record<string, unknown>): { open?: number | undefined } => (typeof search["open"] === "number" ? { open: search["open"] } : {}),
    component: lazyRouteComponent(() => import("./Page"), "RepliesPage"),
  }),
] as const;
