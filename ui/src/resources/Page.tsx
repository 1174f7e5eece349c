/** The page of a resource. Its ETag prevents that a save overwrites another user's change. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type RefObject, useCallback, useRef, useState } from "react";
import { api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Resource } from "@/api/types";
import { Loaded } from "@/parts";
import { settingLabel } from "@/texts/labels";
import { useDraft } from "./drafts/draft";
import { type Draft, ResourceEditor, same, type ShownProps, type Value, valueOf } from "./Editor";

export function ResourcePage(props: ShownProps) {
  const query = useQuery({ ...queries.one(props.kind, props.name), refetchOnWindowFocus: false });
  return (
    <Loaded query={query} height={360}>
      {(found) => <KeepEdits {...props} newest={found as unknown as Resource} />}
    </Loaded>
  );
}

interface SteadyProps extends ShownProps {
  newest: Resource;
}
/** Keeps unsaved edits when another user saves; the conflict is resolved when this user saves. */
function KeepEdits({ newest, ...props }: SteadyProps) {
  const [base, setBase] = useState(newest);
  const editing = useRef(false);
  if (base.etag !== newest.etag && !editing.current) setBase(newest);
  return <Existing key={base.etag} {...props} base={base} newest={newest} editing={editing} />;
}

interface ExistingProps extends SteadyProps {
  /** The version that the edits started from. */
  base: Resource;
  editing: RefObject<boolean>;
}
function Existing({ base, newest, editing, ...props }: ExistingProps) {
  const { kind, name } = props;
  const client = useQueryClient();
  const first = useCallback((): Draft => ({ typed: "", value: base.value, text: null, etag: base.etag }), [base]);
  const worth = useCallback((draft: Draft) => !same(draft.value, base.value) || (draft.text !== null && valueOf(draft.text) === undefined), [base]);
  const { draft, change, restored, startOver, drop } = useDraft(`edit.${kind}.${name}`, first, worth);
  editing.current = worth(draft);
  const write = (etag?: string) => api.put<Resource>(at`/${kind}/${name}`, draft.value, etag === undefined ? {} : { etag });
  return (
    <ResourceEditor
      {...props}
      found={newest}
      draft={draft}
      change={change}
      again={restored}
      stale={draft.etag !== newest.etag}
      startOver={startOver}
      save={{
        run: () => write(draft.etag),
        overwrite: () => write(),
        conflict: { theirs: async () => (await api.get<Resource>(at`/${kind}/${name}`)).value, mine: withoutKey(draft.value), label: (path) => settingLabel(kind, path.split(".")), take: startOver },
        undo: (saved) => api.put(at`/${kind}/${name}`, base.value, { etag: saved.etag }),
        then: (saved) => {
          drop();
          editing.current = false;
          if (saved.etag === base.etag) startOver(); // only the API key changed
          client.setQueryData(keys.one(kind, name), saved);
        },
      }}
    />
  );
}


/** The value without a typed API key, for the comparison with another user's value. */
function withoutKey({ api_key: _, ...rest }: Value): Value {
  return rest;
}
