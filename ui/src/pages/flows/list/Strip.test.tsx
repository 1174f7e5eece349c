// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import type { FlowNode } from "@/api/types";
import { show } from "@/test/support";
import { FlowStrip } from "./Strip";

vi.mock("@tanstack/react-router", () => ({ useNavigate: () => () => undefined }));
const flows = (number: number): FlowNode[] =>
  Array.from({ length: number }, (_, n) => ({ id: `flows/f${n}`, kind: "flow", name: `f${n}`, schedule: null, timezone: null, destinations: [], state: { next_at: null, last_run: null, paused: false } }));

test("of five hundred flows the first have cards, and each is found by its name", () => {
  show(<FlowStrip flows={flows(500)} chosen="f400" choose={() => undefined} />);
  expect(document.querySelectorAll("*").length).toBeLessThan(600);
  expect(screen.getByText("f400")).toBeTruthy();
  expect(screen.queryByText("f300")).toBeNull();
  expect(screen.getByPlaceholderText("Find one of 500 flows")).toBeTruthy();
});

test("each of a few flows has a card", () => {
  show(<FlowStrip flows={flows(5)} chosen={undefined} choose={() => undefined} />);
  expect(screen.getAllByText(/^f\d$/).length).toBe(5);
  expect(screen.queryByPlaceholderText(/Find one/)).toBeNull();
});
