import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const flowRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/flows",
    component: lazyRouteComponent(() => import("./FlowsPage"), "FlowsPage"),
  }),
] as const;
