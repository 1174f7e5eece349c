import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const runRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/runs",
    component: lazyRouteComponent(() => import("./RunsPage"), "RunsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/runs/$run",
    component: lazyRouteComponent(() => import("./RunPage"), "RunPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/runs/$run/deliveries/$delivery",
    component: lazyRouteComponent(() => import("./DeliveryPage"), "DeliveryPage"),
  }),
] as const;
