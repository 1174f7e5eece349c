import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";
import type { Step } from "./NewDestination";

interface NewSearch {
  dataset?: string;
  step?: Step;
}
const isStep = (step: unknown): step is Step => step === "connector" || step === "credential" || step === "configure";

export const destinationRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/destinations",
    component: lazyRouteComponent(() => import("./DestinationsPage"), "DestinationsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/destinations/new",
    validateSearch: (search: Record<string, unknown>): NewSearch => ({
      ...(typeof search["dataset"] === "string" && { dataset: search["dataset"] }),
      ...(isStep(search["step"]) && { step: search["step"] }),
    }),
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
