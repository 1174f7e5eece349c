import type { CompletionSource } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { extensions, type Language, type LineError, showErrors } from "./editor";
import { changed } from "./change";
import { marksOf, newMarks } from "./marks";

export interface CodeProps {
  value: string;
  language?: Language;
  /** The accessible name. */
  label: string;
  onChange?: (text: string) => void;
  onSubmit?: (() => void) | undefined;
  readOnly?: boolean;
  lines?: boolean;
  wrap?: boolean;
  hint?: string;
  errors?: LineError[];
  /** An earlier text: the differences from it are marked. */
  before?: string;
  complete?: CompletionSource;
  minHeight?: number;
  maxHeight?: number;
  autoFocus?: boolean;
}

export default function CodeEditor(props: CodeProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const { language = "text", readOnly, lines, wrap, label, hint, value, before, errors, minHeight, maxHeight } = props;

  useEffect(() => {
    if (place.current === null) return;
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          newMarks,
          extensions({
          language,
          label,
          readOnly,
          lines,
          wrap,
          hint,
          complete: latest.current.complete && ((context) => latest.current.complete?.(context) ?? null),
          onChange: (text) => latest.current.onChange?.(text),
          onSubmit: latest.current.onSubmit && (() => latest.current.onSubmit?.()),
          }),
        ],
      }),
    });
    view.current = made;
    if (latest.current.errors) showErrors(made, latest.current.errors);
    if (latest.current.autoFocus) made.focus();
    return () => made.destroy();
  }, [language, readOnly, lines, wrap, label, hint]);

  useEffect(() => {
    const made = view.current;
    if (made === null) return;
    const now = made.state.doc.toString();
    if (now === value && before === undefined) return;
    // text and marks change in one transaction
    made.dispatch({ ...(now !== value && { changes: changed(now, value) }), ...(before !== undefined && { effects: marksOf(before, value) }) });
  }, [value, before]);
  useEffect(() => {
    if (view.current !== null) showErrors(view.current, errors ?? []);
  }, [errors]);
  return <div ref={place} style={{ minHeight, maxHeight, overflow: "auto" }} />;
}
