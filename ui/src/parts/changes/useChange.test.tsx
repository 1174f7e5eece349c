// @vitest-environment happy-dom
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { ApiError } from "@/api/client";
import { t } from "@/texts/shell";
import { show } from "@/test/support";
import { useChange } from "./useChange";

const stale = () => Promise.reject(new ApiError(412, [{ path: "", code: "changed-meanwhile", message: "changed", hint: "" }]));

function Save(props: Parameters<typeof useChange<void, string>>[0]) {
  const save = useChange<void, string>(props);
  return (
    <button type="button" onClick={() => save.mutate()}>
      save {save.isSuccess && `well: ${save.data}`} {save.isError && "badly"}
    </button>
  );
}

function conflict() {
  const handlers = { overwrite: vi.fn(() => Promise.resolve("mine saved")), take: vi.fn(), then: vi.fn() };
  show(
    <Save
      run={stale}
      overwrite={handlers.overwrite}
      conflict={{ theirs: () => Promise.resolve({ mode: "all", path: "a" }), mine: { mode: "changed", path: "a" }, label: (path) => `the ${path}`, take: handlers.take }}
      then={handlers.then}
      quiet
    />,
  );
  fireEvent.click(screen.getByRole("button", { name: /^save/ }));
  return handlers;
}
const press = async (name: string) => fireEvent.click(await screen.findByRole("button", { name }));

test("a conflict shows both values of each setting that differs", async () => {
  conflict();
  const row = (await screen.findByText("the mode")).closest("tr");
  expect([...(row?.querySelectorAll("td") ?? [])].map((cell) => cell.textContent)).toEqual(["all", "changed"]);
  expect(screen.queryByText("the path")).toBeNull();
});

test("Overwrite runs the change once more, without the ETag", async () => {
  const handlers = conflict();
  await press(t.change.overwrite);
  await screen.findByText(/well: mine saved/);
  expect([handlers.overwrite.mock.calls.length, handlers.take.mock.calls.length, handlers.then.mock.calls.length]).toEqual([1, 0, 1]);
});

test("Use theirs drops the draft and saves nothing", async () => {
  const handlers = conflict();
  await press(t.change.reload);
  await screen.findByText(/badly/);
  expect([handlers.overwrite.mock.calls.length, handlers.take.mock.calls.length, handlers.then.mock.calls.length]).toEqual([0, 1, 0]);
});

test("Keep editing saves nothing and keeps the draft", async () => {
  const handlers = conflict();
  await press(t.change.keep);
  await screen.findByText(/badly/);
  expect([handlers.overwrite.mock.calls.length, handlers.take.mock.calls.length]).toEqual([0, 0]);
});

test("another failure opens no dialog", async () => {
  const overwrite = vi.fn(() => Promise.resolve(""));
  show(<Save run={() => Promise.reject(new ApiError(409, [{ path: "", code: "name-taken", message: "taken", hint: "" }]))} overwrite={overwrite} quiet />);
  fireEvent.click(screen.getByRole("button"));
  await screen.findByText(/badly/);
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(overwrite).not.toHaveBeenCalled();
});
