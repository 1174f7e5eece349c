/** A destination's settings as the form edits them. Pure functions that return the next value. */
import type { BatchValue, Column, DestinationValue, Dialect, FieldValue, Grouping, Plan, RequestValue, Template, TemplateField } from "@/api/types";

export type { Dialect };
/** `other_props` is text while it is typed; `tidy` parses it. */
export type GroupingDraft = Omit<Grouping, "other_props"> & { other_props?: Grouping["other_props"] | string };

/** The settings of a request's batches; undefined when each record has a request of its own. */
export function batchOf(request: RequestValue): BatchValue | undefined {
  return request.batch === "on" ? {} : request.batch === "off" ? undefined : request.batch;
}

/** How a field gets its value. */
export type Mapping = "none" | "column" | "constant" | "default";
export function mappingOf(field: FieldValue | undefined): Mapping {
  if (field === undefined) return "none";
  if (typeof field === "string") return "column";
  if ("value" in field) return "constant";
  return "default" in field ? "default" : "column";
}
export function columnOf(field: FieldValue | undefined): string | null {
  if (typeof field === "string") return field;
  return field?.column ?? null;
}

/** Whether text past the field's limit is cut. */
export function cutsText(field: FieldValue | undefined): boolean {
  return typeof field === "object" && field.truncate === true;
}
/** The same field from a column, with or without cutting; in its shortest form. */
export function withCut(field: FieldValue, cut: boolean): FieldValue {
  const column = columnOf(field);
  if (column === null) return field;
  const { truncate: _, ...rest } = typeof field === "string" ? { column, truncate: false } : field;
  if (cut) return { ...rest, truncate: true };
  return "default" in rest ? rest : column;
}

/** The columns that fields are mapped to, each once. */
export function mappedColumns(value: DestinationValue): string[] {
  return [...new Set(Object.values(value.fields ?? {}).map(columnOf))].filter((column) => column !== null);
}

const normalized = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, "");
/** Synonyms of field names, by field. */
const SYNONYMS: Record<string, string[]> = {
  user_id: ["userid", "customerid", "contactid", "personid", "id"],
  company_id: ["companyid", "accountid", "orgid", "organizationid", "company", "account", "customerid"],
  email: ["email", "emailaddress", "mail"],
  name: ["name", "fullname", "displayname", "title"],
  phone: ["phone", "phonenumber", "telephone", "mobile"],
  signed_up_at: ["signedupat", "signedup", "createdat", "created", "signupdate"],
  churned_at: ["churnedat", "churned", "canceledat"],
  mrr: ["mrr", "monthlyrevenue", "monthlycharges"],
  created_at: ["createdat", "timestamp", "occurredat", "time", "date"],
  text: ["text", "body", "content", "note"],
  due_date: ["duedate", "due"],
  assignee_email: ["assigneeemail", "assignee", "owner", "owneremail"],
  amount: ["amount", "total"],
  value: ["value", "amount"],
  start_date: ["startdate", "startedat", "start"],
  renewal_date: ["renewaldate", "renewsat", "nextbillingat"],
};

/** The column that most likely holds a field: the column with its name, or else with a synonym. */
export function suggestion(field: TemplateField, columns: Column[]): string | null {
  const wanted = [normalized(field.name), ...(field.native ? [normalized(field.native)] : []), ...(SYNONYMS[field.name] ?? [])];
  for (const name of wanted) {
    const found = columns.find((column) => normalized(column.name) === name);
    if (found !== undefined) return found.name;
  }
  return null;
}

/** The initial mapping of a template: each field with a column that fits by name. A column is used once. */
export function suggestedFields(template: Template, columns: Column[]): Record<string, FieldValue> {
  const made: Record<string, FieldValue> = {};
  const taken = new Set<string>();
  for (const field of template.fields) {
    if (!field.auto || !field.page) continue;
    const column = suggestion(field, columns);
    if (column === null || taken.has(column)) continue;
    made[field.name] = column;
    taken.add(column);
  }
  return made;
}

export const matchOf = (template: Template, dialect: Dialect): string[] => template.match[dialect] ?? [];
export const isBatch = (template: Template): boolean => Object.keys(template.items ?? {}).length > 0;
/** What the records of a batch may be in this dialect; the first is what they are when the settings name nothing. */
export const objectsOf = (batch: Template, templates: Template[], dialect: Dialect): string[] =>
  Object.keys(batch.items).filter((object) => dialect === "native" || templates.find((one) => one.name === batch.items[object])?.flat_batch);
/** The template that describes the records: of a batch, that of the object named, or of the first. */
export function recordTemplate(template: Template | undefined, object: string | undefined, templates: Template[]): Template | undefined {
  if (template === undefined || !isBatch(template)) return template;
  return templates.find((one) => one.name === template.items[object ?? Object.keys(template.items)[0] ?? ""]);
}
/** Whether its records list links to companies, which the native API also removes. */
export const linksCompanies = (template: Template): boolean => template.fields.some((field) => field.type === "companies" && field.target === "companies");
export const isRequired = (field: TemplateField, dialect: Dialect): boolean => field.required.includes(dialect);

/** The object that a JSON text holds; undefined for an empty text, null for any other text. */
export function objectOf(text: string): Record<string, unknown> | null | undefined {
  if (text.trim() === "") return undefined;
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === "object" && read !== null && !Array.isArray(read) ? (read as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Other properties, parsed. Invalid text stays text, so that the service reports the error at this setting. */
function withProps(grouping: GroupingDraft): Grouping {
  const { other_props: props, ...others } = grouping;
  if (typeof props !== "string") return grouping as Grouping;
  const read = objectOf(props);
  return read === undefined ? others : { ...others, other_props: read ?? (props as never) };
}

/** The value as it is saved: without empty settings, with typed text parsed. */
export function tidy(given: DestinationValue): DestinationValue {
  const { request } = given;
  const batch = request && batchOf(request);
  const value = batch?.grouping === undefined ? given : { ...given, request: { ...request, batch: { ...batch, grouping: withProps(batch.grouping) } } };
  const kept = Object.entries(value).filter(([key, item]) => {
    if (item === undefined || item === null) return false;
    return !(key === "exclude" && Array.isArray(item) && item.length === 0);
  });
  return Object.fromEntries(kept) as DestinationValue;
}

/**
 * The value with another mapping of a field. A column with the field's name that is no longer mapped is excluded, since it
 * would be sent as an attribute otherwise; a mapped column is not excluded.
 */
export function withField(value: DestinationValue, name: string, field: FieldValue | undefined): DestinationValue {
  const { [name]: before, ...others } = value.fields ?? {};
  const fields = field === undefined ? others : { ...others, [name]: field };
  const mapped = new Set(Object.values(fields).map(columnOf));
  const exclude = [value.exclude ?? []].flat().filter((column) => !mapped.has(column));
  if (columnOf(before) === name && !mapped.has(name)) exclude.push(name);
  return { ...value, fields, ...((exclude.length > 0 || value.exclude !== undefined) && { exclude }) };
}

/** A mapping of another kind, with the parts that both kinds have. */
export function withMapping(field: FieldValue | undefined, as: Mapping, columns: Column[]): FieldValue | undefined {
  const column = columnOf(field) ?? columns[0]?.name ?? "";
  if (as === "none") return undefined;
  if (as === "constant") return { value: "" };
  return withCut(as === "column" ? column : { column, default: "" }, cutsText(field));
}

/** The value for the other way of configuration, template or request, without the settings that it does not have. */
export function asTemplate(value: DestinationValue, template: Template, columns: Column[]): DestinationValue {
  const { request: _, mode: __, object: ___, ...kept } = value;
  const names = new Set(template.fields.map((field) => field.name));
  const same = Object.entries(value.fields ?? {}).filter(([name]) => names.has(name));
  return { ...kept, template: template.name, fields: { ...suggestedFields(template, columns), ...Object.fromEntries(same) } };
}
export function asManual(value: DestinationValue): DestinationValue {
  const { template: _, fields: __, batch: ___, mode: ____, object: _____, ...kept } = value;
  return { ...kept, request: value.request ?? { method: "POST", url: "" } };
}

/** The value for a file: without the settings of an API. */
export function asFile(value: DestinationValue): DestinationValue {
  const { dataset, credential, path, append, mode, exclude, attributes, nulls, active } = value;
  return tidy({ dataset, credential, path: value.template === undefined && value.request === undefined ? path : "", append, mode, exclude, attributes, nulls, active } as DestinationValue);
}
/** The value for an account of this connector. */
export function ofConnector(connector: "custify" | "http" | "file" | undefined, value: DestinationValue): DestinationValue {
  if (connector === "file") return asFile(value);
  return connector === "http" ? asManual(value) : value;
}

/** The value of typed text: a number, a boolean, null, or else text. */
export function parsedText(text: string): unknown {
  if (/^-?(0|[1-9]\d{0,14})(\.\d+)?$/.test(text)) return Number(text);
  if (text === "true" || text === "false") return text === "true";
  return text === "null" ? null : text;
}
export function shownText(value: unknown): string {
  return value === null ? "null" : typeof value === "string" ? value : JSON.stringify(value);
}

/** The macro that is typed at the caret: the position of its brace and the text after it; null when there is none. */
export function openMacro(text: string, caret: number): { from: number; typed: string } | null {
  const from = text.lastIndexOf("{", caret - 1);
  if (from < 0 || caret <= from) return null;
  const typed = text.slice(from + 1, caret);
  return typed.includes("}") ? null : { from, typed };
}

/** Paths of the values inside nested samples: address.street. */
export function nestedPaths(rows: Record<string, unknown>[], most = 200): string[] {
  const found = new Set<string>();
  const look = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null || Array.isArray(value) || found.size >= most) return;
    for (const [name, inner] of Object.entries(value)) {
      const to = path === "" ? name : `${path}.${name}`;
      if (path !== "") found.add(to);
      look(inner, to);
    }
  };
  for (const row of rows) look(row, "");
  return [...found];
}

const GROUPS: [group: string, objects: string[]][] = [
  ["who", ["person", "company"]],
  ["money", ["subscription", "invoice", "deal"]],
  ["activity", ["event", "task", "note"]],
  ["own", ["custom_object"]],
  ["batch", ["batch"]],
];
/** The templates in groups, in a fixed order; templates for other objects are in the group of custom objects. */
export function grouped(templates: Template[]): { group: string; templates: Template[] }[] {
  const of = (template: Template): string => GROUPS.find(([, objects]) => objects.includes(template.object))?.[0] ?? "own";
  return GROUPS.map(([group]) => ({ group, templates: templates.filter((template) => of(template) === group) })).filter((one) => one.templates.length > 0);
}

/** What a plan says about the records that a run sends and judges before the rest. */
export const firstSends = (plan: Plan): string[] => plan.notes.filter((note) => note.field === "canary").map((note) => `${note.reason.charAt(0).toUpperCase()}${note.reason.slice(1)}`);
