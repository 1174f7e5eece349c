import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

const TABS = ["columns", "settings"] as const;
export type Tab = (typeof TABS)[number];
interface NewSearch {
  /** Records of this source. */
  source?: string;
  /** Shaped from what this dataset is made of. */
  from?: string;
}

export const datasetRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/datasets",
    component: lazyRouteComponent(() => import("./DatasetsPage"), "DatasetsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/datasets/new",
    validateSearch: (search: Record<string, unknown>): NewSearch => ({
      ...(typeof search["source"] === "string" && { source: search["source"] }),
      ...(typeof search["from"] === "string" && { from: search["from"] }),
    }),
    component: lazyRouteComponent(() => import("./NewDataset"), "NewDataset"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/datasets/$name",
    validateSearch: (search: Record<string, unknown>): { tab?: Tab | undefined } => (TABS.includes(search["tab"] as Tab) ? { tab: search["tab"] as Tab } : {}),
    component: lazyRouteComponent(() => import("./DatasetPage"), "DatasetPage"),
  }),
] as const;
