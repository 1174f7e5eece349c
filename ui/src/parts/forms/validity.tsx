/** Tracks fields whose text is not a valid value. While a page has one, it cannot be saved. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useId, useMemo, useRef, useState } from "react";

/** Returns true when every field is valid; else moves the focus to the first invalid one. */
type Check = () => boolean;
interface Validity {
  /** `reveal` is called when a save is refused because the field is invalid. */
  set: (id: string, valid: boolean, reveal?: () => void) => void;
  check: Check;
}
const ALWAYS: Validity = { set: () => undefined, check: () => true };
const Context = createContext<Validity>(ALWAYS);

/** Surrounds a page, or a dialog with a form of its own. */
export function ValidityScope({ children }: { children: ReactNode }) {
  const invalid = useRef(new Map<string, () => void>());
  const validity = useMemo(
    (): Validity => ({
      set: (id, valid, reveal = () => undefined) => void (valid ? invalid.current.delete(id) : invalid.current.set(id, reveal)),
      check: () => {
        if (invalid.current.size === 0) return true;
        for (const reveal of invalid.current.values()) reveal();
        const fields = [...invalid.current.keys()].map((id) => document.getElementById(id)).filter((field) => field !== null);
        fields.sort((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
        fields[0]?.focus();
        fields[0]?.scrollIntoView({ block: "center" });
        return false;
      },
    }),
    [],
  );
  return <Context.Provider value={validity}>{children}</Context.Provider>;
}

/** The id to give to a field's input; the field counts as invalid while `valid` is false and it is on the page. */
export function useFieldValidity(valid: boolean): string {
  const id = useId();
  const { set } = useContext(Context);
  useEffect(() => {
    set(id, valid);
    return () => set(id, true);
  }, [id, valid, set]);
  return id;
}

/** The props of a text field that must not be empty. The error is shown after the field lost the focus or a save was tried. */
export function useRequiredText(text: string, words: string): { id: string; error: string | undefined; onBlur: () => void } {
  const id = useId();
  const [touched, setTouched] = useState(false);
  const { set } = useContext(Context);
  const empty = text.trim() === "";
  useEffect(() => {
    set(id, !empty, () => setTouched(true));
    return () => set(id, true);
  }, [id, empty, set]);
  return { id, error: empty && touched ? words : undefined, onBlur: () => setTouched(true) };
}

/** Wraps a save function: it runs only when every field of the page is valid. */
export function useValidated(): (save: () => void) => () => void {
  const { check } = useContext(Context);
  return useCallback(
    (save) => () => {
      if (check()) save();
    },
    [check],
  );
}
