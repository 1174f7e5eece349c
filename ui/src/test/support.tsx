/** The providers that a component needs in a test, and replacements for browser functions that the test's DOM lacks. */
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, vi } from "vitest";
import { ConfirmDialog } from "@/parts/changes/Confirm";

window.matchMedia ??= ((query: string) => ({ matches: false, media: query, addEventListener: () => undefined, removeEventListener: () => undefined })) as never;
Element.prototype.scrollIntoView ??= () => undefined;
// the test's DOM has no layout: every element is 800 by 400 px
for (const [side, size] of Object.entries({ clientHeight: 400, clientWidth: 800, offsetHeight: 400, offsetWidth: 800 })) {
  let owner: object = document.createElement("div");
  while (!Object.hasOwn(owner, side)) owner = Object.getPrototypeOf(owner) as object;
  Object.defineProperty(owner, side, { configurable: true, get: () => size });
}

afterEach(() => {
  cleanup();
  localStorage.clear();
  vi.unstubAllGlobals();
});

export function show(child: ReactNode) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false }, mutations: { retry: false } } });
  const around = (inner: ReactNode) => (
    <MantineProvider env="test">
      <QueryClientProvider client={client}>
        {inner}
        <ConfirmDialog />
      </QueryClientProvider>
    </MantineProvider>
  );
  const shown = render(around(child));
  return { ...shown, again: (next: ReactNode) => shown.rerender(around(next)) };
}

export interface SentRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}
type Answer = { status?: number; body?: unknown; headers?: Record<string, string> } | Error;

/** Replies to requests to the API in order; the last reply is repeated. Returns the requests. */
export function answering(...answers: Answer[]): SentRequest[] {
  const requests: SentRequest[] = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)];
    requests.push({ method: init.method ?? "GET", path, headers: { ...(init.headers as Record<string, string>) }, body: typeof init.body === "string" ? JSON.parse(init.body) : undefined });
    if (answer === undefined || answer instanceof Error) return Promise.reject(answer ?? new Error("nothing was expected"));
    const { status = 200, body, headers = {} } = answer;
    const text = body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body);
    return Promise.resolve(new Response(status === 204 ? null : text, { status, headers: { "content-type": typeof body === "string" ? "text/html" : "application/json", ...headers } }));
  });
  return requests;
}

export const refusal = (status: number, code: string, path = "") => ({ status, body: { errors: [{ path, code, message: `reported: ${code}`, hint: "do this" }] } });
