import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

interface RunsSearch {
  status?: string | undefined;
  target?: string | undefined;
  /** The period of the charts, in hours. */
  hours?: number | undefined;
  charts?: "off" | undefined;
}
interface RunSearch {
  tab?: "records" | undefined;
  outcome?: string | undefined;
}

export const runRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/runs",
    validateSearch: (search: Record<string, unknown>): RunsSearch => ({
      ...(typeof search["status"] === "string" && { status: search["status"] }),
      ...(typeof search["target"] === "string" && { target: search["target"] }),
      ...([1, 168, 720].includes(search["hours"] as number) && { hours: search["hours"] as number }),
      ...(search["charts"] === "off" && { charts: "off" as const }),
    }),
    component: lazyRouteComponent(() => import("./List"), "RunsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/runs/$run",
    validateSearch: (search: Record<string, unknown>): RunSearch => ({
      ...(search["tab"] === "records" && { tab: "records" as const }),
      ...(typeof search["outcome"] === "string" && { outcome: search["outcome"] }),
    }),
    component: lazyRouteComponent(() => import("./Page"), "RunPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/runs/$run/deliveries/$delivery",
    component: lazyRouteComponent(() => import("./deliveries/Page"), "DeliveryPage"),
  }),
] as const;
