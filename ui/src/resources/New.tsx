/** A resource that is not there yet: its name and its settings, kept in this browser until they are saved. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useCallback, useRef } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Resource } from "@/api/types";
import { t } from "@/texts/resources";
import { useDraft } from "./drafts/draft";
import { type Draft, ResourceEditor, type Shared, type Value } from "./Editor";
import { freeName } from "./names";

interface NewProps extends Shared {
  /** Which new one of its kind: what was begun is kept under this name until it is saved. */
  draft: string;
  first: Value;
  /** What it is called when the person says nothing. */
  suggest: (value: Value) => string;
  /** Where to go on, once it is there. */
  then: (name: string) => void;
  ready?: (value: Value) => boolean;
  description?: ReactNode;
}
export function NewResource({ draft: id, first, suggest, then, ready, description, ...shared }: NewProps) {
  const begun = useRef(first);
  const { draft, change, restored, startOver, drop } = useDraft(
    `new.${shared.kind}.${id}`,
    useCallback((): Draft => ({ typed: "", value: begun.current, text: null, etag: "" }), []),
  );
  const taken = useQuery(queries.kind(shared.kind));
  const names = (taken.data ?? []) as unknown as Resource[];
  const suggested = freeName(suggest(draft.value), names.map((one) => one.name), t.kinds[shared.kind].one);
  const name = draft.typed.trim() || suggested;
  return (
    <ResourceEditor
      {...shared}
      name={name}
      draft={draft}
      change={change}
      again={restored}
      stale={false}
      startOver={startOver}
      made={{ ready: (ready ?? (() => true))(draft.value), suggested }}
      save={{
        run: () => api.post<Resource>(`/${shared.kind}`, { name, value: draft.value }),
        then: () => {
          drop();
          then(name);
        },
      }}
      found={{ name: "", value: first, etag: "", state: {} as Resource["state"] }}
      {...(description !== undefined && { description: () => description })}
    />
  );
}
