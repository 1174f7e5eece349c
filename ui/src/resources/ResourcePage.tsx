/** One resource: a form, or the same as a document; checked while it is edited, guarded by its ETag, deleted after one question. */
import { ActionIcon, Button, Menu, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconBraces, IconDots, IconForms, IconTrash } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useCallback, useMemo, useRef, useState } from "react";
import { api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Kind, Problem, Resource } from "@/api/types";
import { Code, confirm, Loaded, Page, Panel, Problems, problemsOf, Status, useChange } from "@/parts";
import { t } from "@/texts/resources";
import { useDraft } from "./draft";
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
      {(found) => <Editing key={(found as Resource).etag} {...props} found={found as unknown as Resource} />}
    </Loaded>
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
    useCallback(() => ({ typed: "", value: begun.current }), []),
  );
  const leave = (name: string) => {
    drop();
    then(name);
  };
  const taken = useQuery(queries.kind(shared.kind));
  const names = (taken.data ?? []) as unknown as Resource[];
  return (
    <Editing
      {...shared}
      name={draft.typed}
      made={{
        typed: draft.typed,
        setTyped: (typed) => change((old) => ({ ...old, typed })),
        value: draft.value,
        setValue: (value) => change((old) => ({ ...old, value })),
        startOver: restored ? startOver : undefined,
        then: leave,
        ready: ready ?? (() => true),
        suggest: (value) => freeName(suggest(value), names.map((one) => one.name), t.kinds[shared.kind].one),
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
/** The same settings, whatever the order of their keys. */
const same = (a: Value, b: Value): boolean => JSON.stringify(sortedKeys(a)) === JSON.stringify(sortedKeys(b));
function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sortedKeys(item)]));
}

interface Made {
  typed: string;
  setTyped: (name: string) => void;
  value: Value;
  setValue: (value: Value) => void;
  /** When it was begun earlier and is here again. */
  startOver: (() => void) | undefined;
  suggest: (value: Value) => string;
  then: (name: string) => void;
  ready: (value: Value) => boolean;
}
interface EditingProps extends Props {
  found: Resource;
  /** Of a resource that is not there yet. */
  made?: Made;
}
function Editing({ kind, name: known, found, made, form, shows = [], width = "wide", actions, before, description, top, children }: EditingProps) {
  const here = useState<Value>(found.value);
  const [value, setValue] = made === undefined ? here : [made.value, made.setValue];
  const [text, setText] = useState<string | null>(null); // as a document, while it is edited as one
  const broken = text !== null && valueOf(text) === undefined;
  const name = made === undefined ? known : made.typed.trim() || made.suggest(value);
  const words = t.kinds[kind];
  const navigate = useNavigate();
  const home = () => void navigate({ to: `/${kind}` });
  const refresh = [keys.kind(kind), keys.overview, keys.versions];
  const touched = !same(value, found.value);
  const ready = made === undefined ? touched : made.ready(value);
  const problems = useProblems(kind, name, value, ready);
  const write = (etag?: string) => (made ? api.post(`/${kind}`, { name, value }) : api.put(at`/${kind}/${name}`, value, etag === undefined ? {} : { etag }));
  const save = useChange({
    run: () => write(found.etag),
    overwrite: () => write(),
    done: () => t.saved(name),
    ...(made === undefined && { undo: () => api.put(at`/${kind}/${name}`, found.value) }),
    refresh,
    quiet: true,
    then: () => made?.then(name),
  });
  const remove = useChange({
    run: () => api.delete(at`/${kind}/${name}`, { etag: found.etag }),
    done: () => t.removed(name),
    undo: () => api.post(`/${kind}`, { name, value: found.value }),
    refresh,
    then: home,
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
          {made?.startOver && (
            <Button
              variant="subtle"
              onClick={() => {
                setText(null);
                made.startOver?.();
              }}
            >
              {t.startOver}
            </Button>
          )}
          {(made || touched || text !== null) && (
            <Button onClick={() => save.mutate()} loading={save.isPending} disabled={broken || !ready}>
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
      {save.isError && <Problems problems={problemsOf(save.error)} />}
      {!save.isError && <Problems problems={problems.filter((problem) => !inForm(problem))} />}
      {!made && top?.(found)}
      {made?.startOver && (
        <p className="muted" role="status" style={{ margin: 0 }}>
          {t.restored}
        </p>
      )}
      {made && (
        <TextInput label={t.name} value={made.typed} placeholder={made.suggest(value)} description={t.nameHint} maw={420} onChange={(event) => made.setTyped(event.currentTarget.value)} />
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
              setText(next);
              const read = valueOf(next);
              if (read !== undefined) setValue(read);
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
