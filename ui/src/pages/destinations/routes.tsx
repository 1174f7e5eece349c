import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";
import { isStep, type Step } from "./search";

interface NewSearch {
  dataset?: string;
  step?: Step;
}

export const destinationRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/destinations",
    component: lazyRouteComponent(() => import("./List"), "DestinationsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/destinations/new",
    validateSearch: (search: Record<string, unknown>): NewSearch => ({
      ...(typeof search["dataset"] === "string" && { dataset: search["dataset"] }),
      ...(isStep(search["step"]) && { step: search["step"] }),
    }),
    component: lazyRouteComponent(() => import("./new/Page"), "NewDestination"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/destinations/$name",
    component: lazyRouteComponent(() => import("./Page"), "DestinationPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/destinations/$name/configure",
    component: lazyRouteComponent(() => import("./configure/Page"), "ConfigurePage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/destinations/$name/compare",
    component: lazyRouteComponent(() => import("./compare/Page"), "ComparisonPage"),
  }),
] as const;
