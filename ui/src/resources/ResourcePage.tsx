/** One resource as a document: checked while it is edited, guarded by its ETag, deleted after one question. */
import { Button, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useMemo, useState } from "react";
import { api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Kind, Problem, Resource } from "@/api/types";
import { Code, confirm, Loaded, Page, Panel, Problems, problemsOf, Status, useChange } from "@/parts";
import { t } from "@/texts/resources";

export type EditedKind = Exclude<Kind, "destinations">;

interface Props {
  kind: EditedKind;
  name: string;
  actions?: (resource: Resource) => ReactNode;
  children?: (resource: Resource) => ReactNode;
}

export function ResourcePage({ kind, name, actions, children }: Props) {
  const query = useQuery({ ...queries.one(kind, name), refetchOnWindowFocus: false });
  return (
    <Loaded query={query} height={360}>
      {(found) => <Editing key={(found as Resource).etag} kind={kind} name={name} found={found as unknown as Resource} actions={actions} more={children} />}
    </Loaded>
  );
}

export function NewResource({ kind, first }: { kind: EditedKind; first: Record<string, unknown> }) {
  const [name, setName] = useState("");
  return <Editing kind={kind} name={name} onName={setName} found={{ name: "", value: first, etag: "", state: {} }} />;
}

/** The value that a text is; undefined when it is none. */
function valueOf(text: string): Record<string, unknown> | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === "object" && read !== null && !Array.isArray(read) ? (read as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

interface EditingProps {
  kind: EditedKind;
  name: string;
  onName?: (name: string) => void;
  found: Resource;
  actions?: ((resource: Resource) => ReactNode) | undefined;
  more?: ((resource: Resource) => ReactNode) | undefined;
}
function Editing({ kind, name, onName, found, actions, more }: EditingProps) {
  const before = useMemo(() => JSON.stringify(found.value, null, 2), [found.value]);
  const [text, setText] = useState(before);
  const value = valueOf(text);
  const [settled] = useDebouncedValue(text, 250);
  const words = t.kinds[kind];
  const navigate = useNavigate();
  const home = () => void navigate({ to: `/${kind}` });
  const refresh = [keys.kind(kind), keys.overview, keys.versions];
  const isNew = onName !== undefined;
  const checked = useQuery({
    queryKey: ["validate", kind, name, settled],
    queryFn: ({ signal }) => api.post<{ errors: Problem[] }>(`/${kind}/validate`, { name, value: valueOf(settled) }, { signal }),
    enabled: valueOf(settled) !== undefined && name !== "" && (isNew || settled !== before),
  });
  const write = (etag?: string) =>
    isNew ? api.post(`/${kind}`, { name, value }) : api.put(at`/${kind}/${name}`, value, etag === undefined ? {} : { etag });
  const save = useChange({ run: () => write(found.etag), overwrite: () => write(), done: () => t.saved(name), refresh, quiet: true, then: () => isNew && home() });
  const remove = useChange({
    run: () => api.delete(at`/${kind}/${name}`, { etag: found.etag }),
    done: () => t.removed(name),
    undo: () => api.put(at`/${kind}/${name}`, found.value),
    refresh,
    then: home,
  });
  const askRemove = async () => {
    if (await confirm({ title: t.removeTitle(name), consequence: t.removeText, verb: t.remove })) remove.mutate();
  };
  return (
    <Page
      title={isNew ? words.new : name}
      crumbs={[{ label: words.title, to: `/${kind}` }]}
      actions={
        <>
          {!isNew && (
            <Button variant="default" color="red" onClick={() => void askRemove()}>
              {t.remove}
            </Button>
          )}
          {actions?.(found)}
          <Button onClick={() => save.mutate()} loading={save.isPending} disabled={value === undefined || name === "" || (!isNew && text === before)}>
            {isNew ? t.create : t.save}
          </Button>
        </>
      }
    >
      {save.isError && <Problems problems={problemsOf(save.error)} />}
      <Panel title={t.document}>
        {onName && <TextInput label={t.name} value={name} onChange={(event) => onName(event.currentTarget.value)} mb="sm" />}
        <p className="muted" style={{ marginTop: 0 }}>
          {value === undefined ? t.notJson : t.documentHint} {checked.data?.errors.length === 0 && <Status of="ok" label={t.fine} plain />}
        </p>
        {checked.data && <Problems problems={checked.data.errors} />}
        <Code value={text} language="json" label={t.document} lines onChange={setText} minHeight={140} maxHeight={480} />
      </Panel>
      {!isNew && more?.(found)}
    </Page>
  );
}
