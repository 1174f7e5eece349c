import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

interface FlowsSearch {
  view?: "list" | undefined;
  /** Limits the page to this flow. */
  flow?: string | undefined;
}

export const flowRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/flows",
    validateSearch: (search: Record<string, unknown>): FlowsSearch => ({
      ...(search["view"] === "list" && { view: "list" as const }),
      ...(typeof search["flow"] === "string" && { flow: search["flow"] }),
    }),
    component: lazyRouteComponent(() => import("./List"), "FlowsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/flows/new",
    component: lazyRouteComponent(() => import("./new/Page"), "NewFlow"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/flows/$name",
    component: lazyRouteComponent(() => import("./Page"), "FlowPage"),
  }),
] as const;
