import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";
import { type Tab, TABS } from "./search";

export const settingsRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/settings",
    validateSearch: (search: Record<string, unknown>): { tab?: Tab } => {
      const tab = TABS.find((one) => one === search["tab"]);
      return tab === undefined ? {} : { tab };
    },
    component: lazyRouteComponent(() => import("./Page"), "SettingsPage"),
  }),
] as const;
