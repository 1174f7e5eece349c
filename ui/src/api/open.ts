/**
 * What the API's description leaves open: members that it calls only "object" or "string". Each shape here belongs into the
 * description; it goes as soon as `schema.ts` has it.
 */
import type { components } from "./schema";

type S = components["schemas"];

/** Members that an answer may leave out, although the description calls them required. */
type LeavesOut<T, Keys extends keyof T> = Omit<T, Keys> & Partial<Pick<T, Keys>>;
export type RunPart = LeavesOut<S["PartOut"], "errors">;
export type Run = LeavesOut<Omit<S["RunOut"], "destinations">, "errors" | "skipped"> & { destinations?: RunPart[] };
export type Plan = LeavesOut<S["PlanOut"], "destinations" | "skipped">;

/** `state` of a resource, by its kind. */
export interface CredentialState {
  has_key: boolean;
  check: Check | null;
  dialect?: Dialect;
}
export interface SourceState {
  used_by: string[];
  hook: S["HookOut"] | null;
}
export interface DatasetState {
  records: number | null;
  columns: number | null;
}
export interface DestinationState {
  state: "draft" | "active" | "paused";
  reason: string;
  held: number;
  last_run: Run | null;
  template: unknown;
}
export interface FlowState {
  next_at: string | null;
  last_run: Run | null;
  paused: boolean;
}

export type Dialect = "native" | "flat";
/** CheckOut: `tried`, `allowance` and `dialect`; `at` is there in the state of a credential. */
export interface Check extends Omit<S["CheckOut"], "dialect" | "tried" | "allowance"> {
  dialect: Dialect | null;
  tried: { base_url: string; result: string }[];
  allowance: { limit: number; remaining: number } | null;
  at?: string;
}

/** NodeOut and EdgeOut: the members of each kind. */
interface Node<Kind extends string, State> {
  /** `sources/crm` */
  id: string;
  kind: Kind;
  name: string;
  state: State;
}
export type SourceNode = Node<"source", SourceState> & { type: string };
export type DatasetNode = Node<"dataset", DatasetState> & { key: string[]; sql: boolean };
export type DestinationNode = Node<"destination", DestinationState> & { template: string | null; credential: string; responses: boolean };
export type CredentialNode = Node<"credential", CredentialState> & { type: string };
export type FlowNode = Node<"flow", FlowState> & { schedule: string | null; timezone: string | null; destinations: string[] };
export interface Overview {
  nodes: (SourceNode | DatasetNode | DestinationNode | CredentialNode | FlowNode)[];
  edges: { kind: "reads" | "feeds" | "sends" | "runs" | "replies"; from: string; to: string }[];
}

/** The event `progress` of GET /runs/{run}/events. */
export interface Progress {
  run: string;
  status: string;
  records: S["CountsOut"];
  requests: number;
  total: number | null;
  elapsed_s: number;
  rate_per_s: number;
  phase: string;
  attempts: Attempt[];
  waiting_for: Waiting | null;
  left_s: number | null;
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

/** FindingOut: `examples`. */
export interface Finding extends Omit<S["FindingOut"], "examples"> {
  examples: { key: S["RecordOut"]["key"]; value: string | null }[];
}
/** WholeDeliveryOut: `request` and `response`. */
export interface StoredRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | null;
}
export interface StoredResponse {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  error?: string;
}
/** HookOut: `auth`. */
export interface HookAuth {
  type: string;
  has_secret?: boolean;
  [setting: string]: unknown;
}
