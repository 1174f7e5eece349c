import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { shellRoute } from "@/app/parents";

export const settingsRoutes = [
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/settings",
    component: lazyRouteComponent(() => import("./SettingsPage"), "SettingsPage"),
  }),
  createRoute({
    getParentRoute: () => shellRoute,
    path: "/settings/$part",
    component: lazyRouteComponent(() => import("./SettingsPart"), "SettingsPart"),
  }),
] as const;
