/** Completions for CodeMirror. This module does not load the editor. */
import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";

const PLAIN = /^[a-z_][a-z0-9_]*$/;
/** A column's name in SQL, quoted when necessary. */
export const sqlName = (name: string): string => (PLAIN.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

export interface Named {
  name: string;
  type: string;
}
/** Completes column names in SQL, quoted when necessary. */
export const columnNames =
  (columns: () => Named[]) =>
  (context: CompletionContext): CompletionResult | null => {
    const word = context.matchBefore(/[\w"]+/);
    if (word === null && !context.explicit) return null;
    return {
      from: word?.from ?? context.pos,
      // a complete name is not offered, so that Enter inserts a line break
      options: columns().filter((column) => sqlName(column.name) !== word?.text).map((column) => ({ label: sqlName(column.name), displayLabel: column.name, detail: column.type, type: "property", boost: 1 })),
      validFor: /^[\w"]*$/,
    };
  };
