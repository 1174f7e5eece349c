import { unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { extensions, type Language } from "./editor";

export interface DiffProps {
  before: string;
  after: string;
  language?: Language;
  label: string;
  /** Whether unchanged lines are folded. */
  fold?: boolean;
  maxHeight?: number;
}

const look = EditorView.theme({
  ".cm-changedLine": { backgroundColor: "var(--p-good-soft) !important" },
  ".cm-deletedChunk": { backgroundColor: "var(--p-bad-soft) !important" },
  ".cm-changedText": { background: "color-mix(in srgb, var(--p-good) 30%, transparent) !important" },
  ".cm-deletedText": { background: "color-mix(in srgb, var(--p-bad) 30%, transparent) !important" },
  ".cm-collapsedLines": { background: "var(--p-sunken)", color: "var(--p-muted)" },
});

export default function DiffView({ before, after, language = "text", label, fold = true, maxHeight }: DiffProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current === null) return;
    const view = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: after,
        extensions: [
          extensions({ language, label, readOnly: true }),
          look,
          unifiedMergeView({ original: before, mergeControls: false, highlightChanges: true, ...(fold && { collapseUnchanged: { margin: 3, minSize: 6 } }) }),
        ],
      }),
    });
    return () => view.destroy();
  }, [before, after, language, label, fold]);
  return <div ref={place} style={{ maxHeight, overflow: "auto" }} />;
}
