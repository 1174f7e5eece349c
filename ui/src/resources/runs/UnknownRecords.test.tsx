// @vitest-environment happy-dom
import { fireEvent, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { beforeEach, expect, test, vi } from "vitest";
import type { DestinationState } from "@/api/types";
import { show } from "@/test/support";
import { t as texts } from "@/texts/pages/quarantine";
import { UnknownRecords } from "./UnknownRecords";

vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: ReactNode }) => <a>{children}</a> }));
const t = texts.unknown;
const SETTLED = { run: "r-1", kind: "settle", status: "partial", records: { quarantined: 0 }, settled: { delivered: 2, sent_again: 1, undecided: 1, requests: 6 } };

/** Replies by method and path; returns the lines of the requests. */
function serving(state: Partial<DestinationState>, run: unknown = SETTLED, recent: unknown[] = []): string[] {
  const lines: string[] = [];
  const bodies: Record<string, unknown> = {
    "GET /destinations/tasks": { name: "tasks", value: { template: "create_task" }, state: { unknown: 4, read_back: "possible", ...state } },
    "GET /runs": { items: recent, next: null },
    "POST /destinations/tasks/settle": { run: "r-1", kind: "settle", status: "queued" },
    "GET /runs/r-1": run,
    "GET /quarantine": { items: [{ finding: "the API answered 503" }, { finding: "the API answered 503" }], next: null },
  };
  vi.stubGlobal("fetch", (address: string, init: RequestInit) => {
    const line = `${init.method ?? "GET"} ${address.replace("/api/v1", "").replace(/\?.*/, "")}`;
    lines.push(line);
    return Promise.resolve(new Response(JSON.stringify(bodies[line]), { status: 200, headers: { "content-type": "application/json" } }));
  });
  return lines;
}

beforeEach(() => vi.stubGlobal("EventSource", class {
  addEventListener = () => undefined;
  close = () => undefined;
}));

test("the button starts the look-up, and a sentence says what was found and why the rest is undecided", async () => {
  const lines = serving({});
  show(<UnknownRecords destination="tasks" />);
  expect(await screen.findByText(t.about("tasks", 4))).toBeTruthy();
  fireEvent.click(screen.getByText(t.ask));
  expect(await screen.findByText("2 had arrived, 1 was sent again, 1 could not be decided: the API answered 503")).toBeTruthy();
  expect(lines).toContain("POST /destinations/tasks/settle");
});

test("a look-up that another page or user has started shows its progress", async () => {
  const running = { run: "r-1", kind: "settle", status: "running" };
  serving({}, running, [{ run: "r-2", kind: "destination", status: "running" }, running]);
  show(<UnknownRecords destination="tasks" />);
  expect(await screen.findByRole("progressbar")).toBeTruthy();
  expect(screen.getByText(t.ask).closest("button")?.disabled).toBe(true);
});

test("the errors of a look-up that failed are shown", async () => {
  const problem = { path: "credentials.acme", code: "refused", message: "the key is refused", hint: "" };
  serving({}, { run: "r-1", kind: "settle", status: "failed", errors: [problem] });
  show(<UnknownRecords destination="tasks" />);
  fireEvent.click(await screen.findByText(t.ask));
  expect((await screen.findByRole("alert")).textContent).toContain("the key is refused");
});

test.each(["flat", "inactive", "no-recipe"] as const)("where records cannot be read back (%s), the reason replaces the button", async (reason) => {
  serving({ read_back: reason });
  show(<UnknownRecords destination="tasks" />);
  expect(await screen.findByText(t.whyNot[reason])).toBeTruthy();
  expect(screen.queryByRole("button")).toBeNull();
});
