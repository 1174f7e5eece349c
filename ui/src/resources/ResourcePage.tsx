/** One resource: a form, or the same as a document; checked while it is edited, guarded by its ETag, deleted after one question. */
import { ActionIcon, Button, Menu, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconBraces, IconDots, IconForms, IconTrash } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, type RefObject, useCallback, useMemo, useRef, useState } from "react";
import { ApiError, api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Kind, Problem, Resource } from "@/api/types";
import { Code, confirm, Loaded, Page, Panel, Problems, problemsOf, Status, useChange, useValidated } from "@/parts";
import { t } from "@/texts/resources";
import { forget, useDraft } from "./draft";
import { freeName } from "./naming";
import { usersOf } from "./users";

export type EditedKind = Exclude<Kind, "destinations">;
export type Value = Record<string, unknown>;

export interface FormProps {
  value: Value;
  onChange: (value: Value) => void;
  /** What the check of these settings found. */
  problems: Problem[];
  name: string;
  isNew: boolean;
}
interface Shared {
  kind: EditedKind;
  form: (props: FormProps) => ReactNode;
  /** The keys whose problems the form shows itself. */
  shows?: string[];
  width?: "text" | "wide";
}
interface Props extends Shared {
  name: string;
  /** `touched`: there is something to save. */
  actions?: (resource: Resource, touched: boolean) => ReactNode;
  before?: (resource: Resource) => ReactNode;
  description?: (resource: Resource) => ReactNode;
  /** What stands above the settings. */
  top?: (resource: Resource) => ReactNode;
  children?: (resource: Resource) => ReactNode;
}

export function ResourcePage(props: Props) {
  const query = useQuery({ ...queries.one(props.kind, props.name), refetchOnWindowFocus: false });
  return (
    <Loaded query={query} height={360}>
      {(found) => <Steady {...props} newest={found as unknown as Resource} />}
    </Loaded>
  );
}

interface SteadyProps extends Props {
  newest: Resource;
}
/** What somebody edits stays on the screen when another person saves: the difference is settled when both are known. */
function Steady({ newest, ...props }: SteadyProps) {
  const [held, setHeld] = useState(newest);
  const editing = useRef(false);
  if (held.etag !== newest.etag && !editing.current) setHeld(newest);
  return <Existing key={held.etag} {...props} held={held} newest={newest} editing={editing} />;
}

/** What is kept of settings that are not saved. */
interface Draft {
  typed: string;
  value: Value;
  /** As a document, while it is edited as one. */
  text: string | null;
  /** Of the version that was edited; empty for a new one. */
  etag: string;
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
    <Editing
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
        conflict: { theirs: async () => (await api.get<Resource>(at`/${kind}/${name}`)).value, mine: withoutKey(draft.value), take: startOver },
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
    <Editing
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
      found={{ name: "", value: first, etag: "", state: {} }}
      {...(description !== undefined && { description: () => description })}
    />
  );
}

/** The value that a text is; undefined when it is none. */
function valueOf(text: string): Value | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === "object" && read !== null && !Array.isArray(read) ? (read as Value) : undefined;
  } catch {
    return undefined;
  }
}
const isStale = (error: unknown): boolean => error instanceof ApiError && error.stale;

/** The same settings, whatever the order of their keys. */
const same = (a: Value, b: Value): boolean => JSON.stringify(sortedKeys(a)) === JSON.stringify(sortedKeys(b));
function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sortedKeys(item)]));
}

/** As it is shown beside another's: a key that was typed is not. */
function withoutKey({ api_key: _, ...rest }: Value): Value {
  return rest;
}

interface EditingProps extends Props {
  found: Resource;
  draft: Draft;
  change: (next: (draft: Draft) => Draft) => void;
  /** It was begun earlier and is here again. */
  again: boolean;
  /** Another person saved since it was begun. */
  stale: boolean;
  startOver: () => void;
  save: {
    run: () => Promise<Resource>;
    overwrite?: () => Promise<Resource>;
    conflict?: { theirs: () => Promise<unknown>; mine: unknown; take: () => void };
    undo?: (saved: Resource) => Promise<unknown>;
    then: (saved: Resource) => unknown;
  };
  /** Of a resource that is not there yet. */
  made?: { ready: boolean; suggested: string };
}
function Editing({ kind, name, found, draft, change, again, stale, startOver, save: saving, made, form, shows = [], width = "wide", actions, before, description, top, children }: EditingProps) {
  const { value, text } = draft;
  const validated = useValidated();
  const setValue = (next: Value) => {
    save.reset(); // what the last save was refused for may be right now
    change((old) => ({ ...old, value: next }));
  };
  const setText = (next: string | null) => change((old) => ({ ...old, text: next }));
  const broken = text !== null && valueOf(text) === undefined;
  const words = t.kinds[kind];
  const navigate = useNavigate();
  const home = () => void navigate({ to: `/${kind}` });
  const refresh = [keys.kind(kind), keys.overview, keys.versions];
  const touched = !same(value, found.value);
  const ready = made === undefined ? touched : made.ready;
  const checked = useProblems(kind, name, value, ready);
  const save = useChange<void, Resource>({ ...saving, done: () => t.saved(name), refresh, quiet: true });
  const refused = save.isError && !isStale(save.error) ? problemsOf(save.error) : [];
  const problems = [...new Map([...refused, ...checked].map((problem) => [problem.message, problem])).values()];
  const remove = useChange({
    run: () => api.delete(at`/${kind}/${name}`, { etag: found.etag }),
    done: () => t.removed(name),
    undo: () => api.post(`/${kind}`, { name, value: found.value }),
    refresh,
    then: () => {
      forget(`edit.${kind}.${name}`);
      home();
    },
  });
  const client = useQueryClient();
  const askRemove = async () => {
    const overview = await client.fetchQuery(queries.overview()).catch(() => undefined); // without it: no numbers
    const users = overview === undefined ? null : usersOf(overview, kind, name);
    if (await confirm({ title: t.removeTitle(name), consequence: t.removeText(users), verb: t.remove })) remove.mutate();
  };
  const toDocument = () => setText(JSON.stringify(value, null, 2));
  const inForm = (problem: Problem) => text === null && shows.some((key) => problem.path.split(".").includes(key));
  return (
    <Page
      title={made ? words.new : name}
      crumbs={[{ label: words.title, to: `/${kind}` }]}
      before={before?.(found)}
      description={description?.(found)}
      width={width}
      actions={
        <>
          {!made && actions?.(found, touched)}
          {(again || (!made && touched)) && (
            <Button variant="subtle" onClick={startOver}>
              {t.startOver}
            </Button>
          )}
          {(made || touched || text !== null) && (
            <Button onClick={validated(() => save.mutate())} loading={save.isPending} disabled={broken || !ready}>
              {made ? t.create : t.save}
            </Button>
          )}
          <Menu>
            <Menu.Target>
              <ActionIcon aria-label={t.more}>
                <IconDots size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {text === null ? (
                <Menu.Item leftSection={<IconBraces size={14} />} onClick={toDocument}>
                  {t.asDocument}
                </Menu.Item>
              ) : (
                <Menu.Item leftSection={<IconForms size={14} />} disabled={broken} onClick={() => setText(null)}>
                  {t.asForm}
                </Menu.Item>
              )}
              {!made && (
                <Menu.Item color="red" leftSection={<IconTrash size={14} />} onClick={() => void askRemove()}>
                  {t.remove}
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        </>
      }
    >
      <Problems problems={problems.filter((problem) => !inForm(problem))} />
      {!made && top?.(found)}
      {(again || (stale && touched)) && (
        <p className="muted" role="status" style={{ margin: 0 }}>
          {[again && t.restored, stale && touched && t.stale].filter(Boolean).join(" ")}
        </p>
      )}
      {made && (
        <TextInput
          label={t.name}
          value={draft.typed}
          placeholder={made.suggested}
          description={t.nameHint}
          maw={420}
          onChange={(event) => {
            const typed = event.currentTarget.value;
            change((old) => ({ ...old, typed }));
          }}
        />
      )}
      {text === null ? (
        form({ value, onChange: setValue, problems, name, isNew: made !== undefined })
      ) : (
        <Panel
          title={t.document}
          actions={
            <Button variant="default" disabled={broken} onClick={() => setText(null)}>
              {t.asForm}
            </Button>
          }
        >
          <p className="muted" style={{ marginTop: 0 }}>
            {broken ? t.notJson : t.documentHint} {!broken && ready && problems.length === 0 && <Status of="ok" label={t.fine} plain />}
          </p>
          <Code
            value={text}
            language="json"
            label={t.document}
            lines
            minHeight={140}
            maxHeight={480}
            onChange={(next) => {
              const read = valueOf(next);
              change((old) => ({ ...old, text: next, ...(read !== undefined && { value: read }) }));
            }}
          />
        </Panel>
      )}
      {!made && children?.(found)}
    </Page>
  );
}

/** What the service says of settings that are not saved. */
function useProblems(kind: EditedKind, name: string, value: Value, asked: boolean): Problem[] {
  const question = useMemo(() => ({ name, value }), [name, value]);
  const [settled] = useDebouncedValue(question, 250);
  const checked = useQuery({
    queryKey: ["validate", kind, settled],
    queryFn: ({ signal }) => api.post<{ errors: Problem[] }>(`/${kind}/validate`, settled, { signal }),
    enabled: asked && settled.name !== "",
    gcTime: 30_000,
  });
  return asked ? (checked.data?.errors ?? []) : [];
}
