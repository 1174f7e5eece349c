/** One resource: its settings, guarded by their ETag while they are edited. */
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
      {(found) => <Steady {...props} newest={found as unknown as Resource} />}
    </Loaded>
  );
}

interface SteadyProps extends ShownProps {
  newest: Resource;
}
/** What somebody edits stays on the screen when another person saves: the difference is settled when both are known. */
function Steady({ newest, ...props }: SteadyProps) {
  const [held, setHeld] = useState(newest);
  const editing = useRef(false);
  if (held.etag !== newest.etag && !editing.current) setHeld(newest);
  return <Existing key={held.etag} {...props} held={held} newest={newest} editing={editing} />;
}

interface ExistingProps extends SteadyProps {
  held: Resource;
  editing: RefObject<boolean>;
}
function Existing({ held, newest, editing, ...props }: ExistingProps) {
  const { kind, name } = props;
  const client = useQueryClient();
  const first = useCallback((): Draft => ({ typed: "", value: held.value, text: null, etag: held.etag }), [held]);
  const worth = useCallback((draft: Draft) => !same(draft.value, held.value) || (draft.text !== null && valueOf(draft.text) === undefined), [held]);
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
        undo: (saved) => api.put(at`/${kind}/${name}`, held.value, { etag: saved.etag }),
        then: (saved) => {
          drop();
          editing.current = false;
          if (saved.etag === held.etag) startOver(); // only its key is new
          client.setQueryData(keys.one(kind, name), saved);
        },
      }}
    />
  );
}


/** As it is shown beside another's: a key that was typed is not. */
function withoutKey({ api_key: _, ...rest }: Value): Value {
  return rest;
}
