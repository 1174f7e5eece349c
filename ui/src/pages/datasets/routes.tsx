import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";
import { type Tab, TABS } from "./search";

interface NewSearch {
  /** The source of the new dataset. */
  source?: string;
  /** The dataset whose settings are copied. */
  from?: string;
}

export const datasetRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/datasets",
    component: lazyRouteComponent(() => import("./List"), "DatasetsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/datasets/new",
    validateSearch: (search: Record<string, unknown>): NewSearch => ({
      ...(typeof search["source"] === "string" && { source: search["source"] }),
      ...(typeof search["from"] === "string" && { from: search["from"] }),
    }),
    component: lazyRouteComponent(() => import("./new/Page"), "NewDataset"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/datasets/$name",
    validateSearch: (search: Record<string, unknown>): { tab?: Tab | undefined } => (TABS.includes(search["tab"] as Tab) ? { tab: search["tab"] as Tab } : {}),
    component: lazyRouteComponent(() => import("./Page"), "DatasetPage"),
  }),
] as const;
