/** What a person has begun and not saved: kept in this browser, so that a reload or a lost service takes nothing away. */
import { useCallback, useEffect, useState } from "react";
import type { DestinationValue } from "@/api/types";

/** When it shall run: with a flow that is there, or, null, with one of its own. */
export interface Plan {
  flow: string | null;
  schedule?: string;
  timezone?: string;
}

export interface Draft {
  when?: Plan | undefined;
  connector?: "custify" | "http" | undefined;
  name: string;
  value: DestinationValue;
  /** Of the version that was edited; null for a new one. */
  etag: string | null;
}

const place = (id: string): string => `penstock.draft.${id}`;

function stored(id: string): Draft | null {
  try {
    const text = localStorage.getItem(place(id));
    return text === null ? null : (JSON.parse(text) as Draft);
  } catch {
    return null; // another program's text, or no storage: there is nothing to go on with
  }
}

export function forget(id: string): void {
  localStorage.removeItem(place(id));
}

/** The draft of this id, from where it was left, else from `first`. `restored` says that something was there. */
export function useDraft(id: string, first: () => Draft) {
  const [restored, setRestored] = useState(() => stored(id) !== null);
  const [draft, setDraft] = useState<Draft>(() => stored(id) ?? first());
  const [touched, setTouched] = useState(restored);
  useEffect(() => {
    if (touched) localStorage.setItem(place(id), JSON.stringify(draft));
  }, [id, draft, touched]);
  const change = useCallback((next: (draft: Draft) => Draft) => {
    setTouched(true);
    setDraft(next);
  }, []);
  const startOver = useCallback(() => {
    forget(id);
    setTouched(false);
    setRestored(false);
    setDraft(first());
  }, [id, first]);
  return { draft, change, restored, startOver, touched };
}
