import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const datasetRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/datasets",
    component: lazyRouteComponent(() => import("./DatasetsPage"), "DatasetsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/datasets/new",
    component: lazyRouteComponent(() => import("./NewDataset"), "NewDataset"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/datasets/$name",
    component: lazyRouteComponent(() => import("./DatasetPage"), "DatasetPage"),
  }),
] as const;
