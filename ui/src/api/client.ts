/** The only module that calls the API: one error type, the CSRF header, ETags, sign-in after 401, and lost connections. */
import { t } from "@/texts/shell";
import { connection } from "./connection";
import type { Problem, Session } from "./types";

const ROOT = "/api/v1";
const CSRF = "X-Penstock-CSRF";

export class ApiError extends Error {
  readonly status: number;
  readonly problems: Problem[];
  /** Seconds to wait, from Retry-After; null: not given. */
  readonly retryAfter: number | null;

  constructor(status: number, problems: Problem[], retryAfter: number | null = null) {
    super(problems[0]?.message ?? `status ${status}`);
    this.status = status;
    this.problems = problems;
    this.retryAfter = retryAfter;
  }

  get code(): string {
    return this.problems[0]?.code ?? "";
  }
  /** Another user changed the resource since it was read. */
  get stale(): boolean {
    return this.status === 412;
  }
  /** The service did not answer. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

export interface Options {
  query?: Record<string, string | number | boolean | null | undefined>;
  body?: unknown;
  /** Sent unchanged, not as JSON. */
  raw?: BodyInit;
  contentType?: string;
  etag?: string;
  /** The ETag of a known copy: the result is undefined when it is still current. */
  known?: string | undefined;
  signal?: AbortSignal;
  /** Is called with the reply's headers. */
  onHeaders?: (headers: Headers) => void;
}

let csrf: string | null = null;
let whenSignedOut: () => Promise<boolean> = () => Promise.resolve(false);

export function setCsrf(token: string | null): void {
  csrf = token;
}
/** `act` lets the user sign in again and returns whether they did. The request is then repeated. */
export function onSignedOut(act: () => Promise<boolean>): void {
  whenSignedOut = act;
}

export function address(path: string, query: Options["query"] = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `${ROOT}${path}${search === "" ? "" : `?${search}`}`;
}

/** A path from parts that may hold any character: at`/runs/${run}`. */
export function at(words: TemplateStringsArray, ...parts: string[]): string {
  return words.reduce((made, word, i) => made + word + (i < parts.length ? encodeURIComponent(parts[i] ?? "") : ""), "");
}

export async function call<T>(method: string, path: string, options: Options = {}, again = true): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  let body: BodyInit | undefined = options.raw;
  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.body);
  } else if (options.contentType !== undefined) headers["Content-Type"] = options.contentType;
  if (method !== "GET" && csrf !== null) headers[CSRF] = csrf;
  if (method === "POST") headers["Idempotency-Key"] = freshKey();
  if (options.etag !== undefined) headers["If-Match"] = `"${options.etag}"`;

  if (options.known !== undefined) headers["If-None-Match"] = options.known;

  let reply: Response;
  try {
    reply = await fetch(address(path, options.query), {
      method,
      headers,
      credentials: "same-origin",
      ...(body === undefined ? {} : { body }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    connection.lost();
    throw new ApiError(0, [{ path: "", code: "no-connection", message: t.states.noAnswer, hint: "" }]);
  }
  connection.found();
  if (reply.status === 304) return undefined as T;
  if (reply.ok) {
    options.onHeaders?.(reply.headers);
    return (await readBody(reply)) as T;
  }
  const failure = await readFailure(reply);
  if (again && (await canRepeat(failure, path))) return call<T>(method, path, options, false);
  throw failure;
}

/** Whether the same request can succeed now: the user signed in again, or the CSRF token was renewed because another tab signed in. */
async function canRepeat(failure: ApiError, path: string): Promise<boolean> {
  if (path === "/session" || path === "/setup") return false;
  if (failure.status === 401) return whenSignedOut();
  if (failure.problems[0]?.path !== CSRF) return false;
  setCsrf((await call<Session>("GET", "/session")).csrf);
  return true;
}

export const api = {
  get: <T>(path: string, options?: Options) => call<T>("GET", path, options),
  post: <T>(path: string, body?: unknown, options?: Options) => call<T>("POST", path, { body: body ?? {}, ...options }),
  put: <T>(path: string, body: unknown, options?: Options) => call<T>("PUT", path, { body, ...options }),
  patch: <T>(path: string, body: unknown, options?: Options) => call<T>("PATCH", path, { body, ...options }),
  delete: <T = void>(path: string, options?: Options) => call<T>("DELETE", path, options),
};

/** Uploads a file; calls `onProgress` with the share that was sent. Uses XMLHttpRequest, since fetch reports no progress of uploads. */
export function upload<T>(path: string, file: Blob, query: Options["query"], onProgress: (share: number) => void, signal?: AbortSignal, again = true): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address(path, query));
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Idempotency-Key", freshKey());
    if (csrf !== null) request.setRequestHeader(CSRF, csrf);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => {
      connection.lost();
      reject(new ApiError(0, [{ path: "", code: "no-connection", message: t.states.noAnswer, hint: "" }]));
    };
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.onload = async () => {
      connection.found();
      const reply = new Response(request.responseText, { status: request.status, statusText: request.statusText });
      if (reply.ok) return resolve(JSON.parse(request.responseText) as T);
      const failure = await readFailure(reply);
      if (again && (await canRepeat(failure, path))) return upload<T>(path, file, query, onProgress, signal, false).then(resolve, reject);
      reject(failure);
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** A document whose ETag is only in the header. */
export async function tagged<T>(path: string, options: Options = {}): Promise<{ value: T; etag: string }> {
  let etag = "";
  const onHeaders = (headers: Headers) => {
    etag = headers.get("etag")?.replace(/^W\/|"/g, "") ?? "";
  };
  return { value: await call<T>("GET", path, { ...options, onHeaders }), etag };
}

async function readBody(reply: Response): Promise<unknown> {
  if (reply.status === 204) return undefined;
  const text = await reply.text();
  if (text === "") return undefined;
  return reply.headers.get("content-type")?.includes("json") === true ? JSON.parse(text) : text;
}

async function readFailure(reply: Response): Promise<ApiError> {
  const waits = Number(reply.headers.get("retry-after") ?? Number.NaN);
  const retryAfter = Number.isNaN(waits) ? null : waits;
  try {
    const body = (await reply.json()) as { errors?: Problem[] };
    if (Array.isArray(body.errors) && body.errors.length > 0) return new ApiError(reply.status, body.errors, retryAfter);
  } catch {
    // the reply is not from Penstock but from a proxy
  }
  const message = t.states.otherAnswer(`${reply.status} ${reply.statusText}`.trim());
  return new ApiError(reply.status, [{ path: "", code: "not-ours", message, hint: "" }], retryAfter);
}

/** A unique Idempotency-Key. randomUUID exists only on https and loopback. */
function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
