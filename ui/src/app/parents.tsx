/** The two parent routes: the root, and the shell around every page of a signed-in user. */
import { createRootRouteWithContext, createRoute, redirect } from "@tanstack/react-router";
import type { QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/api/client";
import { queries } from "@/api/queries";
import { draftsOf } from "@/resources/drafts/draft";
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
      if (error instanceof ApiError) return; // the service does not answer: the banner reports it
      throw error;
    }
  },
});
