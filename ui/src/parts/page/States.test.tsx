// @vitest-environment happy-dom
import { fireEvent, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { ApiError } from "@/api/client";
import { t } from "@/texts/shell";
import { show } from "@/test/support";
import { Page } from "./Page";
import { Failed, Loading, Problems } from "./States";

const refused = (status: number) => new ApiError(status, [{ path: "destinations.a.mode", code: "x", message: "Not that.", hint: "Write all." }]);

test("a failure outside a page is a page with a heading and a button", () => {
  const retry = vi.fn();
  show(<Failed error={refused(500)} retry={retry} />);
  expect(screen.getByRole("heading", { level: 1 }).textContent).toBe(t.states.failed);
  expect(document.title).toContain(t.states.failed);
  expect(screen.getByRole("alert").textContent).toContain("Write all.");
  fireEvent.click(screen.getByRole("button", { name: t.states.retry }));
  expect(retry).toHaveBeenCalledOnce();
});

test.each([
  [403, t.states.forbidden],
  [404, t.states.notFound],
])("status %s has a title in words", (status, words) => {
  show(<Failed error={refused(status)} />);
  expect(screen.getByRole("heading", { level: 1 }).textContent).toBe(words);
});

test("a failure or placeholder inside a page is not another page", () => {
  show(
    <Page title="Runs">
      <Loading rows={3} />
      <Failed error={refused(500)} />
    </Page>,
  );
  expect(screen.getAllByRole("heading", { level: 1 }).map((one) => one.textContent)).toEqual(["Runs"]);
  expect(screen.getByRole("status", { name: t.states.loading })).toBeTruthy();
});

test("a problem shows its place; without problems nothing is shown", () => {
  const { again } = show(<Problems problems={refused(400).problems} />);
  expect(screen.getByText("destination a › Records to send").tagName).toBe("STRONG");
  again(<Problems problems={[]} />);
  expect(screen.queryByRole("alert")).toBeNull();
});
