/**
 * The shapes of the REST API, in the words of the glossary: those of its own description (schema.ts), and, where that
 * says only "text" or "object", what the text or the object may be. Moments are ISO text in UTC.
 */
import type { components } from "./schema";

type S = components["schemas"];

export type Problem = Pick<S["ProblemOut"], "path" | "code" | "message"> & Partial<S["ProblemOut"]>;

export interface Items<T> {
  items: T[];
  next: string | null;
}

export type Role = "viewer" | "operator" | "editor" | "admin";

export type Session = Omit<S["SessionOut"], "person"> & { person: { name: string; role: Role } | null };

export type Kind = "credentials" | "sources" | "datasets" | "destinations" | "flows";

/** A resource: `value` is as in the project file. */
export interface Resource<V = Record<string, unknown>, S = Record<string, unknown>> {
  name: string;
  value: V;
  etag: string;
  state: S;
}

export interface CredentialValue {
  connector?: "custify" | "http";
  api_key?: string;
  base_url?: string;
  dialect?: "auto" | "native" | "flat";
  rate_limit?: { requests?: number; per?: string | number; batch_cost?: 1 | "jobs" };
  headers?: Record<string, string>;
  allowed_hosts?: string[];
  timeout?: string | number;
}
export interface Check {
  credential?: string;
  ok: boolean;
  base_url: string | null;
  dialect: "native" | "flat" | null;
  tried: { base_url: string; result: string }[];
  allowance: { limit: number; remaining: number } | null;
  reason: string;
  at?: string;
}
export type Credential = Resource<CredentialValue, { has_key: boolean; check: Check | null; dialect?: "native" | "flat" }>;

export interface SourceValue {
  type: "file" | "sql" | "webhook" | string;
  path?: string;
  format?: string;
  encoding?: string;
  delimiter?: string;
  url?: string;
  query?: string;
  table?: string;
  cursor?: string | { column: string; overlap?: string | number };
  [more: string]: unknown;
}
export interface Hook {
  url: string;
  auth: unknown;
  received: number;
  last_at: string | null;
  samples: unknown[];
  paused: FeedPause[];
}
export interface FeedPause {
  target: string;
  reason: string;
  since: string;
  run: string;
  failures: number;
  next_at: string;
}
export type Source = Resource<SourceValue, { used_by: string[]; hook: Hook | null }>;

export interface DatasetValue {
  source: string;
  key: string | string[];
  sql?: string;
  types?: Record<string, string>;
}
export type Dataset = Resource<DatasetValue, { records: number | null; columns: number | null }>;

export type FieldValue = string | { value: unknown } | { column: string; default?: unknown; truncate?: boolean };
export interface Grouping {
  algorithm: "array" | "property" | "code";
  property?: string;
  /** Text while it is being typed: `tidy` reads it. */
  other_props?: Record<string, unknown> | string;
  code?: string;
}
export interface BatchValue {
  size?: number;
  max_bytes?: number;
  grouping?: Grouping;
}
export interface RequestValue {
  method: "POST" | "PUT" | "PATCH" | "DELETE" | "GET";
  url: string;
  content_format?: "json" | "xml" | "form";
  headers?: Record<string, string> | string;
  batch?: BatchValue;
  body?: boolean;
  idempotent?: boolean;
  xml?: { root?: string; record?: string };
}
export interface DestinationValue {
  dataset: string;
  credential: string;
  template?: string;
  fields?: Record<string, FieldValue>;
  attributes?: "all" | "none" | string[];
  exclude?: string[];
  nulls?: "omit" | "send";
  mode?: "changed" | "new" | "all" | "mirror";
  new_columns?: "note" | "send" | "refuse";
  company_link?: "add" | "replace";
  active?: boolean;
  request?: RequestValue;
  responses?: boolean;
  batch?: "auto" | "on" | "off" | BatchValue;
  [more: string]: unknown;
}
export interface DestinationState {
  state: "draft" | "active" | "paused";
  reason: string;
  held: number;
  last_run: Run | null;
  template: unknown;
}
export type Destination = Resource<DestinationValue, DestinationState>;

export interface FlowValue {
  schedule?: string;
  timezone?: string;
  destinations: string[];
  [more: string]: unknown;
}
export type Flow = Resource<FlowValue, { next_at: string | null; last_run: Run | null; paused: boolean }>;

export const OUTCOMES = [
  "delivered",
  "accepted",
  "unchanged",
  "quarantined",
  "unknown",
  "waiting",
  "unsent",
] as const;
export type Outcome = (typeof OUTCOMES)[number];
export type Counts = Partial<Record<Outcome | "read", number>>;

export type RunStatus = "queued" | "running" | "succeeded" | "partial" | "failed" | "cancelled" | "interrupted";

export type Note = S["NoteOut"];
export interface Run {
  run: string;
  destination?: string;
  flow?: string;
  status: RunStatus;
  records: Counts;
  deleted: number;
  requests: number;
  retries: number;
  duration_s: number;
  notes: Note[];
  reason?: string;
  /** What ended it; lists of runs leave it out. */
  errors?: Problem[];
  destinations?: Run[];
  skipped?: Record<string, string>;
  started_at?: string | null;
  finished_at?: string | null;
  trigger?: string;
  asked_by?: string | null;
}
/** One attempt of a request that needed more than one. */
export interface Attempt {
  at: string;
  method: string;
  url: string;
  attempt: number;
  status: number | null;
  reason: string | null;
  /** Seconds before the next attempt; null: there is none. */
  again_in_s: number | null;
}
export interface Waiting {
  kind: "rate limit" | "retry" | "batch job";
  seconds: number;
  attempt: number | null;
  status: number | null;
  job: string | null;
}
/** `event: progress` of a run's events. */
export interface Progress {
  run: string;
  status: RunStatus;
  records: Counts;
  requests: number;
  total: number | null;
  elapsed_s: number;
  rate_per_s: number;
  waiting_for_allowance_s: number;
  phase: string;
  attempts: Attempt[];
  waiting_for: Waiting | null;
  left_s: number | null;
}
export type RecordKey = string | string[] | null;
export type Delivery = S["DeliveryOut"];

export type PreviewedRequest = S["RequestOut"];
export type RefusedRecord = S["RefusedOut"];
export interface Preview {
  requests: PreviewedRequest[];
  refused: RefusedRecord[];
  notes: Note[];
  errors?: Problem[];
  base_url?: string;
  base_url_reason?: string;
}
export type Plan = S["PlanOut"];
export type TestReport = S["TestOut"];

export type Column = S["ColumnOut"];
export interface Sampled {
  columns: Column[];
  rows: Record<string, unknown>[];
  problems?: Problem[];
  errors?: Problem[];
  /** Of a database: what there is, null where nobody can name it. */
  tables?: string[] | null;
}

export interface TemplateField {
  name: string;
  label: string;
  type: string;
  description: string;
  required?: boolean;
  [more: string]: unknown;
}
export interface Template {
  name: string;
  title: string;
  description: string;
  object: string;
  modes: string[];
  [more: string]: unknown;
}

export type QuarantineEntry = Omit<S["HeldOut"], "outcome"> & { outcome: "quarantined" | "unknown" | "waiting" };
export type QuarantineDetail = Omit<S["HeldWhole"], "outcome" | "record"> & { outcome: QuarantineEntry["outcome"]; record: Record<string, unknown> | null };
export type QuarantineGroup = Omit<S["GroupOut"], "outcome"> & { outcome: QuarantineEntry["outcome"] };

/** A discard of many records, in the background. */
export type DiscardUnderWay = S["DiscardOut"];

interface Node<Kind extends string, State> {
  /** `sources/crm` */
  id: string;
  kind: Kind;
  name: string;
  state: State;
}
export type SourceNode = Node<"source", Source["state"]> & { type: string };
export type DatasetNode = Node<"dataset", Dataset["state"]> & { key: string[]; sql: boolean };
export type DestinationNode = Node<"destination", DestinationState> & { template: string | null; credential: string; responses: boolean };
export type CredentialNode = Node<"credential", Credential["state"]> & { type: string };
export type FlowNode = Node<"flow", Flow["state"]> & { schedule: string | null; timezone: string | null; destinations: string[] };
export interface Overview {
  nodes: (SourceNode | DatasetNode | DestinationNode | CredentialNode | FlowNode)[];
  edges: { kind: "reads" | "feeds" | "sends" | "runs" | "replies"; from: string; to: string }[];
}

export interface Bucket extends Record<Outcome, number> {
  at: string;
  requests: number;
  p50_ms: number | null;
  p95_ms: number | null;
}
export interface Allowance {
  credential: string;
  limit: number;
  per_s: number;
  used_share: number;
  blocked_s: number;
}
export interface Stats {
  /** How long each bucket is. */
  minutes: number;
  buckets: Bucket[];
  budget: Allowance[];
}

/** A reply as a record of the source `<destination>.responses`. */
export interface Reply {
  id: number;
  sent_at: string;
  run: string;
  delivery: string;
  attempt: number;
  request: Record<string, unknown>;
  response: Record<string, unknown> | null;
  duration_ms: number | null;
  outcome: string;
  records: RecordKey[];
  error: string | null;
}

export type Found = S["FoundOut"];
