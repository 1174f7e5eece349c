/** The page of a new resource. Its draft is stored in the browser until it is saved. */
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
  /** The name of the draft. */
  draft: string;
  first: Value;
  /** The name when the user types none. */
  suggest: (value: Value) => string;
  /** The page to open after saving. */
  then: (name: string) => void;
  ready?: (value: Value) => boolean;
  description?: ReactNode;
}
export function NewResource({ draft: id, first, suggest, then, ready, description, ...shared }: NewProps) {
  const initial = useRef(first);
  const { draft, change, restored, startOver, drop } = useDraft(
    `new.${shared.kind}.${id}`,
    useCallback((): Draft => ({ typed: "", value: initial.current, text: null, etag: "" }), []),
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
