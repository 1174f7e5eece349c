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
  const told = { overwrite: vi.fn(() => Promise.resolve("mine stands")), take: vi.fn(), then: vi.fn() };
  show(
    <Save
      run={stale}
      overwrite={told.overwrite}
      conflict={{ theirs: () => Promise.resolve({ mode: "all", path: "a" }), mine: { mode: "changed", path: "a" }, label: (path) => `the ${path}`, take: told.take }}
      then={told.then}
      quiet
    />,
  );
  fireEvent.click(screen.getByRole("button", { name: /^save/ }));
  return told;
}
const press = async (name: string) => fireEvent.click(await screen.findByRole("button", { name }));

test("two people changed the same: both values are shown, setting by setting", async () => {
  conflict();
  const row = (await screen.findByText("the mode")).closest("tr");
  expect([...(row?.querySelectorAll("td") ?? [])].map((cell) => cell.textContent)).toEqual(["all", "changed"]);
  expect(screen.queryByText("the path")).toBeNull();
});

test("to overwrite is said by the person, and is done once", async () => {
  const told = conflict();
  await press(t.change.overwrite);
  await screen.findByText(/well: mine stands/);
  expect([told.overwrite.mock.calls.length, told.take.mock.calls.length, told.then.mock.calls.length]).toEqual([1, 0, 1]);
});

test("to take theirs forgets what was typed and writes nothing", async () => {
  const told = conflict();
  await press(t.change.reload);
  await screen.findByText(/badly/);
  expect([told.overwrite.mock.calls.length, told.take.mock.calls.length, told.then.mock.calls.length]).toEqual([0, 1, 0]);
});

test("to keep on editing changes nothing", async () => {
  const told = conflict();
  await press(t.change.keep);
  await screen.findByText(/badly/);
  expect([told.overwrite.mock.calls.length, told.take.mock.calls.length]).toEqual([0, 0]);
});

test("another failure is no conflict: nobody is asked", async () => {
  const overwrite = vi.fn(() => Promise.resolve(""));
  show(<Save run={() => Promise.reject(new ApiError(409, [{ path: "", code: "name-taken", message: "taken", hint: "" }]))} overwrite={overwrite} quiet />);
  fireEvent.click(screen.getByRole("button"));
  await screen.findByText(/badly/);
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(overwrite).not.toHaveBeenCalled();
});
