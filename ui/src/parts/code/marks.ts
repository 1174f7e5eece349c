/** Marks the differences from an earlier text. */
import { presentableDiff } from "@codemirror/merge";
import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";

const MOST = 200_000; // characters; longer texts have no marks
const setMarks = StateEffect.define<DecorationSet>();
const fresh = Decoration.mark({ class: "cm-fresh" });

const field = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, change) {
    const set = change.effects.find((effect) => effect.is(setMarks));
    return set === undefined ? marks.map(change.changes) : (set.value as DecorationSet);
  },
  provide: (from) => EditorView.decorations.from(from),
});

export const newMarks = [field, EditorView.theme({ ".cm-fresh": { backgroundColor: "var(--p-good-soft)", boxShadow: "0 0 0 1px var(--p-good-soft)", borderRadius: "2px" } })];

/** The ranges of `now` that `before` does not have. */
export function freshIn(before: string, now: string): { from: number; to: number }[] {
  if (before === now || before.length + now.length >= MOST) return [];
  const found = presentableDiff(before, now, { scanLimit: 500 });
  return found.filter((change) => change.toB > change.fromB).map((change) => ({ from: change.fromB, to: change.toB }));
}

export const marksOf = (before: string, now: string): StateEffect<DecorationSet> =>
  setMarks.of(Decoration.set(freshIn(before, now).map(({ from, to }) => fresh.range(from, to))));
