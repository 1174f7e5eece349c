// @vitest-environment happy-dom
import { act, renderHook } from "@testing-library/react";
import { expect, test } from "vitest";
import "@/test/support";
import { draftsOf, forget, forgetAll, useDraft } from "./draft";

interface Draft {
  name: string;
  value: Record<string, unknown>;
}

const first = (): Draft => ({ name: "", value: { dataset: "people", credential: "" } });
const begun = (id = "new") => renderHook(() => useDraft(id, first));
const typed = (old: Draft): Draft => ({ ...old, name: "typed", value: { ...old.value, concurrency: 0 } });

test("typed input is restored after a reload, with a message", () => {
  const before = begun();
  expect([before.result.current.restored, before.result.current.touched]).toEqual([false, false]);
  act(() => before.result.current.change(typed));
  before.unmount();
  const after = begun().result.current;
  expect(after.draft).toMatchObject({ name: "typed", value: { dataset: "people", concurrency: 0 } });
  expect([after.restored, after.touched]).toEqual([true, true]);
});

test("an unchanged form stores no draft", () => {
  begun().unmount();
  expect(begun().result.current.restored).toBe(false);
});

test("Start over deletes the draft", () => {
  const { result, unmount } = begun();
  act(() => result.current.change(typed));
  act(() => result.current.startOver());
  expect([result.current.draft, result.current.touched]).toEqual([first(), false]);
  unmount();
  expect(begun().result.current.restored).toBe(false);
});

test("each destination has its own draft, which is deleted after saving", () => {
  const { result } = begun("edit.a");
  act(() => result.current.change(typed));
  expect(begun("edit.b").result.current.restored).toBe(false);
  forget("edit.a");
  expect(begun("edit.a").result.current.restored).toBe(false);
});

test("a saved draft is not stored again by a later render", () => {
  const { result } = begun();
  act(() => result.current.change(typed));
  act(() => result.current.drop());
  act(() => result.current.change((old) => ({ ...old, name: "after" })));
  expect(begun().result.current.restored).toBe(false);
});

test("a password in a typed URL is not stored in the browser", () => {
  const { result } = begun();
  act(() => result.current.change((old) => ({ ...old, value: { url: "postgresql://ada:hush@db/crm" } })));
  expect(localStorage.getItem("penstock.draft.new")).not.toContain("hush");
});

test("another program's text in its place is not a draft", () => {
  localStorage.setItem("penstock.draft.new", "{broken");
  expect(begun().result.current.draft).toEqual(first());
});

test("a draft that equals the saved settings is neither stored nor restored", () => {
  const worth = (draft: Draft) => draft.name !== "";
  const { result } = renderHook(() => useDraft("edit.sources.crm", first, worth));
  act(() => result.current.change(typed));
  expect(localStorage.getItem("penstock.draft.edit.sources.crm")).not.toBeNull();
  act(() => result.current.change((old) => ({ ...old, name: "" })));
  expect(localStorage.getItem("penstock.draft.edit.sources.crm")).toBeNull();
});

test("drafts are deleted when another user signs in and after signing out", () => {
  draftsOf("ada");
  const { result, unmount } = begun();
  act(() => result.current.change(typed));
  unmount();
  draftsOf("ada"); // another page of hers
  expect(begun().result.current.restored).toBe(true);
  draftsOf("grace");
  expect(begun().result.current.restored).toBe(false);
  const other = begun();
  act(() => other.result.current.change(typed));
  forgetAll();
  expect(Object.keys(localStorage)).toEqual([]);
});
