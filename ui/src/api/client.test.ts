// @vitest-environment happy-dom
import { beforeEach, describe, expect, test } from "vitest";
import { answering, refusal } from "@/test/support";
import { ApiError, address, api, at, onSignedOut, setCsrf } from "./client";

beforeEach(() => {
  setCsrf("c-1");
  onSignedOut(() => Promise.resolve(false));
});
const failed = (asking: Promise<unknown>): Promise<ApiError> =>
  asking.then(
    () => Promise.reject(new Error("it went well")),
    (error: unknown) => error as ApiError,
  );

describe("an address", () => {
  test("leaves out settings that are not given, and keeps 0 and false", () => {
    expect(address("/runs", { limit: 0, dry_run: false, status: undefined, cursor: null, target: "" })).toBe("/api/v1/runs?limit=0&dry_run=false");
  });
  test("takes names of any characters", () => {
    expect(at`/runs/${"a/b ?#%"}/records`).toBe("/runs/a%2Fb%20%3F%23%25/records");
  });
});

describe("a request", () => {
  test("that changes something carries the CSRF token and the ETag; one that reads carries neither", async () => {
    const requests = answering({ body: {} });
    await api.put("/flows/a", { x: 0 }, { etag: "e1" });
    await api.get("/flows/a");
    expect(requests[0]?.headers).toMatchObject({ "X-Penstock-CSRF": "c-1", "If-Match": '"e1"' });
    expect(requests[0]?.body).toEqual({ x: 0 });
    expect(Object.keys(requests[1]?.headers ?? {})).toEqual(["Accept"]);
  });
  test("that creates has a key of its own each time", async () => {
    const requests = answering({ status: 204 });
    await api.post("/runs", { target: "a" });
    await api.post("/runs", { target: "a" });
    const keys = requests.map((one) => one.headers["Idempotency-Key"]);
    expect(new Set(keys).size).toBe(2);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  });
  test("that gets 401 is repeated once after the user signed in", async () => {
    let signedIn = 0;
    onSignedOut(() => Promise.resolve(++signedIn > 0));
    const requests = answering(refusal(401, "signed-out"), { body: { version: 3 } });
    expect(await api.get("/project")).toEqual({ version: 3 });
    expect([signedIn, requests.length]).toEqual([1, 2]);
    answering(refusal(401, "signed-out"));
    expect((await failed(api.get("/project"))).status).toBe(401);
    expect(signedIn).toBe(2);
  });
  test("with an old CSRF token gets the new token and is repeated", async () => {
    const requests = answering(refusal(403, "csrf", "X-Penstock-CSRF"), { body: { csrf: "c-2" } }, { status: 204 });
    await api.delete("/flows/a");
    expect(requests.map((one) => `${one.method} ${one.path} ${one.headers["X-Penstock-CSRF"] ?? ""}`)).toEqual([
      "DELETE /api/v1/flows/a c-1",
      "GET /api/v1/session ",
      "DELETE /api/v1/flows/a c-2",
    ]);
  });
});

describe("a failure", () => {
  test("has the code, message and hint of the service", async () => {
    answering(refusal(412, "changed-meanwhile"));
    const error = await failed(api.put("/flows/a", {}));
    expect([error.stale, error.code, error.message, error.problems[0]?.hint]).toEqual([true, "changed-meanwhile", "reported: changed-meanwhile", "do this"]);
  });
  test("of a server in between has its status", async () => {
    answering({ status: 502, body: "<html>Bad gateway</html>" });
    const error = await failed(api.get("/flows"));
    expect([error.code, error.problems[0]?.message]).toEqual(["not-ours", "A server between this page and Penstock answered 502"]);
  });
  test("to reply has its own code", async () => {
    answering(new TypeError("failed to fetch"));
    expect((await failed(api.get("/flows"))).unreachable).toBe(true);
  });
  test("has the seconds to wait", async () => {
    answering({ ...refusal(429, "too-many"), headers: { "retry-after": "7" } });
    expect((await failed(api.get("/flows"))).retryAfter).toBe(7);
  });
});
