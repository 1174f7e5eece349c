/** The two routes that hold all others: the root, and the shell around every page of a signed-in person. */
import { createRootRouteWithContext, createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import type { QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/api/client";
import { queries } from "@/api/queries";
import { draftsOf } from "@/resources/draft";
import { Defect, NotFound } from "./Errors";
import { Root } from "./Root";
import { Shell } from "./Shell";

export const rootRoute = createRootRouteWithContext<{ client: QueryClient }>()({
  component: Root,
  errorComponent: Defect,
  notFoundComponent: NotFound,
});

export const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "shell",
  component: Shell,
  errorComponent: Defect,
  beforeLoad: async ({ context, location }) => {
    try {
      const session = await context.client.ensureQueryData(queries.session());
      if (session.sign_in && session.person === null) throw redirect({ to: "/sign-in", search: { to: location.href } });
      draftsOf(session.sign_in ? (session.person?.name ?? "") : "");
    } catch (error) {
      if (error instanceof ApiError) return; // nothing answers: the banner says so, the pages wait
      throw error;
    }
  },
});

export interface SignInSearch {
  to?: string;
  again?: boolean;
  refused?: string;
}
export const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: (search: Record<string, unknown>): SignInSearch => ({
    ...(typeof search["to"] === "string" && search["to"].startsWith("/") && !search["to"].startsWith("//") && { to: search["to"] }),
    ...(search["again"] === true && { again: true }),
    ...(typeof search["refused"] === "string" && { refused: search["refused"] }),
  }),
  component: lazyRouteComponent(() => import("@/pages/entry/SignIn"), "SignIn"),
});
export const setupRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/setup",
  component: lazyRouteComponent(() => import("@/pages/entry/Setup"), "Setup"),
});
