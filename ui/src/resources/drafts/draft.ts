/** Drafts: unsaved input, stored in the browser so that a reload or a lost connection loses nothing. */
import { useCallback, useEffect, useRef, useState } from "react";

const DRAFTS = "penstock.draft.";
const OWNER = "penstock.drafts-of";
const place = (id: string): string => `${DRAFTS}${id}`;

function stored<T>(id: string): T | null {
  try {
    const text = localStorage.getItem(place(id));
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null; // another program's text, or no storage: no draft
  }
}

const PASSWORD = /(:\/\/[^/?#@:\s"]*):(?!\$\{)[^/?#@\s"]+@/g;
const HEADER = /^(proxy-)?authorization$|cookie|key|token|secret/i;
/** Secrets in settings as JSON: keys, secrets and headers. */
const WRITTEN = /("(?:api_key|secret|[\w-]*(?:authorization|cookie|-key|-token|-secret)[\w-]*)"\s*:\s*")(?!\$\{)(?:[^"\\\n]|\\.)*/gi;
/** Secrets in headers on one line. */
const LINED = /(^|,)(\s*"?[\w-]*(?:authorization|cookie|key|token|secret)[\w-]*\s*:)(?!\s*(?:\$?\{|,|$))[^,]*/gi;

/** The value without typed keys and passwords. A reference such as `${env:NAME}` is no secret. */
function masked(value: unknown, key = ""): unknown {
  if (typeof value === "string") {
    if (key === "text") return value.replace(WRITTEN, "$1").replace(PASSWORD, "$1:@");
    return (key === "headers" ? value.replace(LINED, "$1$2") : value).replace(PASSWORD, "$1:@");
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => masked(item));
  const secret = (name: string, item: unknown) =>
    typeof item === "string" && !item.startsWith("${") && (name === "api_key" || (name === "secret" && "type" in value) || (key === "headers" && HEADER.test(name) && !item.startsWith("{")));
  return Object.fromEntries(Object.entries(value).flatMap(([name, item]) => (secret(name, item) ? [] : [[name, masked(item, name)]])));
}

/** A draft as the browser stores it. */
export const keptText = (draft: unknown): string => JSON.stringify(masked(draft));

export function forget(id: string): void {
  localStorage.removeItem(place(id));
}

export function forgetAll(): void {
  for (const key of Object.keys(localStorage)) if (key.startsWith(DRAFTS)) localStorage.removeItem(key);
  localStorage.removeItem(OWNER);
}

/** Sets the user of this browser; drafts of another user are deleted. */
export function draftsOf(person: string): void {
  try {
    if (localStorage.getItem(OWNER) === person) return;
    forgetAll();
    localStorage.setItem(OWNER, person);
  } catch {
    // no storage: no drafts to delete
  }
}

const always = (): boolean => true;
/**
 * The stored draft of this id, or else `first`. `restored`: a draft was stored. A draft is stored only while `worth`
 * returns true for it.
 */
export function useDraft<T>(id: string, first: () => T, worth: (draft: T) => boolean = always) {
  const [found] = useState(() => {
    const left = stored<T>(id);
    return left !== null && worth(left) ? left : null;
  });
  const [restored, setRestored] = useState(found !== null);
  const [draft, setDraft] = useState<T>(() => found ?? first());
  const [touched, setTouched] = useState(restored);
  const gone = useRef(false); // saved: a later render must not store the draft again
  useEffect(() => {
    if (!touched || gone.current) return;
    if (worth(draft)) localStorage.setItem(place(id), keptText(draft));
    else forget(id);
  }, [id, draft, touched, worth]);
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
