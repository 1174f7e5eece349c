import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "@/app/parents";

interface SignInSearch {
  to?: string;
  again?: boolean;
  refused?: string;
}
const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: (search: Record<string, unknown>): SignInSearch => ({
    ...(typeof search["to"] === "string" && search["to"].startsWith("/") && !search["to"].startsWith("//") && { to: search["to"] }),
    ...(search["again"] === true && { again: true }),
    ...(typeof search["refused"] === "string" && { refused: search["refused"] }),
  }),
  component: lazyRouteComponent(() => import("./Page"), "SignIn"),
});
const setupRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/setup",
  component: lazyRouteComponent(() => import("./setup/Page"), "Setup"),
});

export const signInRoutes = [signInRoute, setupRoute] as const;
