import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const TABS = ["people", "tokens", "alerts", "retention", "account"] as const;
export type Tab = (typeof TABS)[number];

export const settingsRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/settings",
    validateSearch: (search: Record<string, unknown>): { tab?: Tab } => {
      const tab = TABS.find((one) => one === search["tab"]);
      return tab === undefined ? {} : { tab };
    },
    component: lazyRouteComponent(() => import("./SettingsPage"), "SettingsPage"),
  }),
] as const;
