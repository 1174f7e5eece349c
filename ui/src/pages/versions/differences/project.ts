/** The resources of a version, setting by setting, and the differences between two versions. The API has a version as one text. */
import { isMap, isScalar, isSeq, parseDocument, type Scalar } from "yaml";

export interface Setting {
  /** Below the resource: ["batch", "size"]. */
  path: string[];
  /** The value, for people. */
  text: string;
}
export interface Resource {
  /** "destinations" */
  kind: string;
  name: string;
  settings: Setting[];
}
export interface SettingChange {
  path: string[];
  /** Undefined: not set. */
  before: string | undefined;
  after: string | undefined;
}
export interface ResourceChange {
  kind: string;
  name: string;
  change: "added" | "removed" | "changed";
  settings: SettingChange[];
}

/** Every resource of a version's text, in its order. */
export function resourcesOf(text: string): Resource[] {
  const { contents } = parseDocument(text);
  return entries(contents).flatMap(([kind, section]) => entries(section).map(([name, value]) => ({ kind, name, settings: settingsOf([], value) })));
}

/** The resources that differ, each with the settings that differ. */
export function differences(before: string, after: string): ResourceChange[] {
  const old = byId(resourcesOf(before));
  const now = byId(resourcesOf(after));
  return [...new Map([...old, ...now]).keys()].flatMap((id) => {
    const [from, to] = [old.get(id), now.get(id)];
    const { kind, name } = (to ?? from) as Resource;
    const settings = changed(from?.settings ?? [], to?.settings ?? []);
    const change = from === undefined ? "added" : to === undefined ? "removed" : "changed";
    return change === "changed" && settings.length === 0 ? [] : [{ kind, name, change, settings }];
  });
}

const byId = (resources: Resource[]): Map<string, Resource> => new Map(resources.map((one) => [JSON.stringify([one.kind, one.name]), one]));

function changed(before: Setting[], after: Setting[]): SettingChange[] {
  const at = (settings: Setting[]) => new Map(settings.map((one) => [JSON.stringify(one.path), one]));
  const [old, now] = [at(before), at(after)];
  return [...new Map([...old, ...now]).values()]
    .map(({ path }) => ({ path, before: old.get(JSON.stringify(path))?.text, after: now.get(JSON.stringify(path))?.text }))
    .filter((one) => one.before !== one.after);
}

function settingsOf(path: string[], value: unknown): Setting[] {
  const below = entries(value);
  return below.length === 0 ? [{ path, text: textOf(value) }] : below.flatMap(([name, item]) => settingsOf([...path, name], item));
}

function entries(value: unknown): [string, unknown][] {
  return isMap(value) ? value.items.map(({ key, value: item }) => [String(isScalar(key) ? (key.source ?? key.value) : key), item]) : [];
}

function textOf(value: unknown): string {
  if (isSeq(value)) return value.items.map(textOf).map((item, at) => (item.includes(",") && isScalar(value.items[at]) ? JSON.stringify(item) : item)).join(", ");
  if (isMap(value)) return entries(value).map(([name, item]) => `${name}: ${textOf(item)}`).join(", ");
  return isScalar(value) ? scalarText(value) : "";
}

/** Numbers as they were written. A text that reads like a number, null, true or false, or that is empty, is in quotes. */
function scalarText(scalar: Scalar): string {
  const { value, source } = scalar;
  if (typeof value !== "string") return source ?? String(value);
  return value.trim() === "" || /^(~|true|false|null|[-+]?\.(inf|nan)|0[xo][\da-f]+|[-+.]?\d[\d.eE+-]*)$/i.test(value) ? JSON.stringify(value) : value;
}
