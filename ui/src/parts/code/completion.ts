/** Completions as CodeMirror asks for them; no editor is loaded for these. */
import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";

const PLAIN = /^[a-z_][a-z0-9_]*$/;
/** A column's name as SQL wants it. */
export const sqlName = (name: string): string => (PLAIN.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

export interface Named {
  name: string;
  type: string;
}
/** Column names in SQL, quoted where they must be. */
export const columnNames =
  (columns: () => Named[]) =>
  (context: CompletionContext): CompletionResult | null => {
    const word = context.matchBefore(/[\w"]+/);
    if (word === null && !context.explicit) return null;
    return {
      from: word?.from ?? context.pos,
      // what stands there already is not offered: Enter then breaks the line
      options: columns().filter((column) => sqlName(column.name) !== word?.text).map((column) => ({ label: sqlName(column.name), displayLabel: column.name, detail: column.type, type: "property", boost: 1 })),
      validFor: /^[\w"]*$/,
    };
  };
