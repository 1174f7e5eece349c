import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const destinationRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/destinations",
    component: lazyRouteComponent(() => import("./DestinationsPage"), "DestinationsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/destinations/new",
    component: lazyRouteComponent(() => import("./NewDestination"), "NewDestination"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/destinations/$name",
    component: lazyRouteComponent(() => import("./DestinationPage"), "DestinationPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/destinations/$name/configure",
    component: lazyRouteComponent(() => import("./ConfigurePage"), "ConfigurePage"),
  }),
] as const;
