/** Fields whose typed text is not a value yet. While there is one on the page, nothing is saved. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useId, useMemo, useRef } from "react";

/** Returns true when every field is valid; else moves the focus to the first invalid one. */
type Check = () => boolean;
interface Validity {
  set: (id: string, valid: boolean) => void;
  check: Check;
}
const ALWAYS: Validity = { set: () => undefined, check: () => true };
const Context = createContext<Validity>(ALWAYS);

/** Surrounds a page, or a dialog with a form of its own. */
export function ValidityScope({ children }: { children: ReactNode }) {
  const invalid = useRef(new Set<string>());
  const validity = useMemo(
    (): Validity => ({
      set: (id, valid) => void (valid ? invalid.current.delete(id) : invalid.current.add(id)),
      check: () => {
        if (invalid.current.size === 0) return true;
        const fields = [...invalid.current].map((id) => document.getElementById(id)).filter((field) => field !== null);
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

/** Wraps what saves: it runs only when every field of the page is valid. */
export function useValidated(): (save: () => void) => () => void {
  const { check } = useContext(Context);
  return useCallback(
    (save) => () => {
      if (check()) save();
    },
    [check],
  );
}
