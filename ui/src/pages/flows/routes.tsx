import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const flowRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/flows",
    component: lazyRouteComponent(() => import("./FlowsPage"), "FlowsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/flows/new",
    component: lazyRouteComponent(() => import("./FlowPage"), "NewFlow"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/flows/$name",
    component: lazyRouteComponent(() => import("./FlowPage"), "FlowPage"),
  }),
] as const;
