/** The editor of a resource's settings: a form, or JSON. The service checks them while they are edited. */
import { ActionIcon, Button, Menu, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconBraces, IconDots, IconForms, IconTrash } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { ApiError, api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Kind, Problem, Resource, Validation } from "@/api/types";
import { Code, confirm, Page, Panel, Problems, problemsOf, Status, useChange, useValidated } from "@/parts";
import { t } from "@/texts/resources";
import { forget } from "./drafts/draft";
import { usersOf } from "./users";

export type EditedKind = Exclude<Kind, "destinations">;
export type Value = Record<string, unknown>;

export interface FormProps {
  value: Value;
  onChange: (value: Value) => void;
  /** The problems of these settings. */
  problems: Problem[];
  name: string;
  isNew: boolean;
}
export interface Shared {
  kind: EditedKind;
  form: (props: FormProps) => ReactNode;
  /** The settings whose problems the form shows at their fields. */
  shows?: string[];
  width?: "text" | "wide";
}
export interface ShownProps extends Shared {
  name: string;
  /** `touched`: there are unsaved changes. */
  actions?: (resource: Resource, touched: boolean) => ReactNode;
  before?: (resource: Resource) => ReactNode;
  description?: (resource: Resource) => ReactNode;
  /** Shown above the settings. */
  top?: (resource: Resource) => ReactNode;
  children?: (resource: Resource) => ReactNode;
}

/** Unsaved settings, stored in the browser. */
export interface Draft {
  typed: string;
  value: Value;
  /** The JSON text, while it is edited as JSON. */
  text: string | null;
  /** The ETag of the version that is edited; empty for a new resource. */
  etag: string;
}

/** The object that a JSON text holds; undefined when the text is not one. */
export function valueOf(text: string): Value | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === "object" && read !== null && !Array.isArray(read) ? (read as Value) : undefined;
  } catch {
    return undefined;
  }
}
const isStale = (error: unknown): boolean => error instanceof ApiError && error.stale;

/** Whether two values have the same settings, in any order of keys. */
export const same = (a: Value, b: Value): boolean => JSON.stringify(sortedKeys(a)) === JSON.stringify(sortedKeys(b));
function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sortedKeys(item)]));
}

interface EditorProps extends ShownProps {
  found: Resource;
  draft: Draft;
  change: (next: (draft: Draft) => Draft) => void;
  /** Whether the draft was restored. */
  again: boolean;
  /** Whether another user saved since the draft was begun. */
  stale: boolean;
  startOver: () => void;
  save: {
    run: () => Promise<Resource>;
    overwrite?: () => Promise<Resource>;
    conflict?: { theirs: () => Promise<unknown>; mine: unknown; label: (path: string) => string; take: () => void };
    undo?: (saved: Resource) => Promise<unknown>;
    then: (saved: Resource) => unknown;
  };
  /** For a resource that is not saved yet. */
  made?: { ready: boolean; suggested: string };
}
export function ResourceEditor({ kind, name, found, draft, change, again, stale, startOver, save: saving, made, form, shows = [], width = "wide", actions, before, description, top, children }: EditorProps) {
  const { value, text } = draft;
  const validated = useValidated();
  const setValue = (next: Value) => {
    save.reset(); // the problems of the last save may be fixed now
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
    const overview = await client.fetchQuery(queries.overview()).catch(() => undefined); // without the overview the dialog shows no numbers
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

/** The problems that the service finds in unsaved settings. */
function useProblems(kind: EditedKind, name: string, value: Value, enabled: boolean): Problem[] {
  const question = useMemo(() => ({ name, value }), [name, value]);
  const [settled] = useDebouncedValue(question, 250);
  const checked = useQuery({
    queryKey: ["validate", kind, settled],
    queryFn: ({ signal }) => api.post<Validation>(`/${kind}/validate`, settled, { signal }),
    enabled: enabled && settled.name !== "",
    gcTime: 30_000,
  });
  return enabled ? (checked.data?.errors ?? []) : [];
}
