/** The set-up of CodeMirror. Loaded only by lazy components. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type CompletionSource } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { sql } from "@codemirror/lang-sql";
import { xml } from "@codemirror/lang-xml";
import { bracketMatching, foldGutter, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { nonce } from "@/theme/nonce";

export type Language = "json" | "sql" | "python" | "xml" | "text";
/** An error at a line, and perhaps a column; both count from 1. */
export interface LineError {
  line: number;
  column?: number;
  message: string;
}

const languages: Record<Language, () => Extension> = {
  json: () => json(),
  sql: () => sql(),
  python: () => python(),
  xml: () => xml(),
  text: () => [],
};

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--p-odd)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--p-good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--p-warn)" },
  { tag: [tags.propertyName, tags.tagName, tags.attributeName], color: "var(--p-info)" },
  { tag: [tags.function(tags.variableName), tags.definition(tags.variableName)], color: "var(--p-accent-text)" },
  { tag: [tags.comment, tags.meta], color: "var(--p-muted)", fontStyle: "italic" },
  { tag: tags.invalid, color: "var(--p-bad)" },
]);

const look = EditorView.theme({
  "&": { fontSize: "12.5px", backgroundColor: "transparent", color: "var(--p-text)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--p-mono)", lineHeight: "1.55" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--p-muted)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--p-accent) 7%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--p-text)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--p-accent) 26%, transparent) !important" },
  ".cm-tooltip": { backgroundColor: "var(--p-raised)", border: "1px solid var(--p-line-strong)", borderRadius: "6px", color: "var(--p-text)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--p-accent)", color: "#fff" },
  ".cm-placeholder": { color: "var(--mantine-color-placeholder)" },
  ".cm-panels": { backgroundColor: "var(--p-sunken)", color: "var(--p-text)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--p-sunken)", border: "1px solid var(--p-line)", color: "var(--p-muted)" },
});

/**
 * Inserts text that replaces a selection. The browser's own insertion sets a style attribute, which the content security
 * policy refuses. Brackets are left to CodeMirror, which puts them around the selection.
 */
const replacing = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const text = event.inputType === "insertText" ? event.data : null;
    if (text === null || view.state.selection.main.empty || view.composing || (text.length === 1 && "([{\"'".includes(text))) return false;
    event.preventDefault();
    view.dispatch(view.state.replaceSelection(text), { scrollIntoView: true, userEvent: "input.type" });
    return true;
  },
});

export interface Setup {
  language: Language;
  label: string;
  readOnly?: boolean | undefined;
  lines?: boolean | undefined;
  wrap?: boolean | undefined;
  hint?: string | undefined;
  complete?: CompletionSource | undefined;
  onChange?: ((text: string) => void) | undefined;
  /** ⌘Enter. */
  onSubmit?: (() => void) | undefined;
}

export function extensions(setup: Setup): Extension[] {
  return [
    EditorView.cspNonce.of(nonce()),
    setup.onSubmit ? keymap.of([{ key: "Mod-Enter", run: () => (setup.onSubmit?.(), true) }]) : [],
    setup.lines === false ? [] : [lineNumbers(), foldGutter()],
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    highlightSelectionMatches(),
    languages[setup.language](),
    syntaxHighlighting(colours),
    look,
    setup.wrap ? EditorView.lineWrapping : [],
    EditorView.contentAttributes.of({ "aria-label": setup.label }),
    setup.readOnly
      ? [EditorState.readOnly.of(true), EditorView.contentAttributes.of({ "aria-readonly": "true", tabindex: "0" })]
      : [replacing, closeBrackets(), highlightActiveLine(), lintGutter(), autocompletion(setup.complete && setup.language === "text" ? { override: [setup.complete] } : {})],
    // in addition to the language's own completions
    setup.complete && setup.language !== "text" ? EditorState.languageData.of(() => [{ autocomplete: setup.complete }]) : [],
    setup.hint ? placeholder(setup.hint) : [],
    // Escape, then Tab leaves the editor
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...(setup.readOnly ? [] : [indentWithTab])]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) setup.onChange?.(update.state.doc.toString());
    }),
  ];
}

export function showErrors(view: EditorView, errors: LineError[]): void {
  const diagnostics = errors.map((error) => {
    const line = view.state.doc.line(Math.max(1, Math.min(error.line, view.state.doc.lines)));
    const from = Math.min(line.from + (error.column ?? 1) - 1, line.to);
    const word = error.column === undefined ? null : view.state.wordAt(from);
    return { from: word?.from ?? from, to: word?.to ?? line.to, severity: "error" as const, message: error.message };
  });
  view.dispatch(setDiagnostics(view.state, diagnostics));
}
