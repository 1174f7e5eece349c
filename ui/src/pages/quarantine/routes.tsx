import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

interface QuarantineSearch {
  cause?: string;
  destination?: string;
}

export const quarantineRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/quarantine",
    validateSearch: (search: Record<string, unknown>): QuarantineSearch => ({
      ...(typeof search["cause"] === "string" && { cause: search["cause"] }),
      ...(typeof search["destination"] === "string" && { destination: search["destination"] }),
    }),
    component: lazyRouteComponent(() => import("./List"), "QuarantinePage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/quarantine/$id",
    component: lazyRouteComponent(() => import("./Page"), "EntryPage"),
  }),
] as const;
