// @vitest-environment happy-dom
import { act, renderHook } from "@testing-library/react";
import { expect, test } from "vitest";
import "@/test/around";
import { type Draft, forget, useDraft } from "./draft";

const first = (): Draft => ({ name: "", value: { dataset: "people", credential: "" }, etag: null });
const begun = (id = "new") => renderHook(() => useDraft(id, first));
const typed = (old: Draft): Draft => ({ ...old, name: "typed", value: { ...old.value, concurrency: 0 } });

test("what was typed is there after a reload, and says that it was kept", () => {
  const before = begun();
  expect([before.result.current.restored, before.result.current.touched]).toEqual([false, false]);
  act(() => before.result.current.change(typed));
  before.unmount();
  const after = begun().result.current;
  expect(after.draft).toMatchObject({ name: "typed", value: { dataset: "people", concurrency: 0 } });
  expect([after.restored, after.touched]).toEqual([true, true]);
});

test("what was only looked at is not kept", () => {
  begun().unmount();
  expect(begun().result.current.restored).toBe(false);
});

test("starting over forgets it, also for the next time", () => {
  const { result, unmount } = begun();
  act(() => result.current.change(typed));
  act(() => result.current.startOver());
  expect([result.current.draft, result.current.touched]).toEqual([first(), false]);
  unmount();
  expect(begun().result.current.restored).toBe(false);
});

test("each destination has a draft of its own, forgotten once it is saved", () => {
  const { result } = begun("edit.a");
  act(() => result.current.change(typed));
  expect(begun("edit.b").result.current.restored).toBe(false);
  forget("edit.a");
  expect(begun("edit.a").result.current.restored).toBe(false);
});

test("another program's text in its place is not a draft", () => {
  localStorage.setItem("penstock.draft.new", "{broken");
  expect(begun().result.current.draft).toEqual(first());
});
