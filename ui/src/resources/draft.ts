/** What a person has begun and not saved: kept in this browser, so that a reload or a lost service takes nothing away. */
import { useCallback, useEffect, useRef, useState } from "react";

const place = (id: string): string => `penstock.draft.${id}`;

function stored<T>(id: string): T | null {
  try {
    const text = localStorage.getItem(place(id));
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null; // another program's text, or no storage: there is nothing to go on with
  }
}

const PASSWORD = /(:\/\/[^/?#@:\s"]*):(?!\$\{)[^/?#@\s"]+@/g;
/** A draft as it is kept: a password that was typed into an address is not; `${env:NAME}` says none. */
export function keptText(draft: unknown): string {
  return JSON.stringify(draft, (_, item: unknown) => (typeof item === "string" ? item.replace(PASSWORD, "$1:@") : item));
}

export function forget(id: string): void {
  localStorage.removeItem(place(id));
}

/** The draft of this id, from where it was left, else from `first`. `restored` says that something was there. */
export function useDraft<T>(id: string, first: () => T) {
  const [restored, setRestored] = useState(() => stored<T>(id) !== null);
  const [draft, setDraft] = useState<T>(() => stored<T>(id) ?? first());
  const [touched, setTouched] = useState(restored);
  const gone = useRef(false); // saved: what is still rendered must not be kept again
  useEffect(() => {
    if (touched && !gone.current) localStorage.setItem(place(id), keptText(draft));
  }, [id, draft, touched]);
  const change = useCallback((next: (draft: T) => T) => {
    setTouched(true);
    setDraft(next);
  }, []);
  const drop = useCallback(() => {
    gone.current = true;
    forget(id);
  }, [id]);
  const startOver = useCallback(() => {
    forget(id);
    setTouched(false);
    setRestored(false);
    setDraft(first());
  }, [id, first]);
  return { draft, change, restored, startOver, touched, drop };
}
