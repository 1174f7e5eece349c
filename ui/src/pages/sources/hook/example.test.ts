import { expect, test } from "vitest";
import type { Hook } from "@/api/types";
import { exampleRequest } from "./example";

const URL = "https://penstock.example.com/hooks/app";
const lines = (auth: Hook["auth"], key: string | null = "k&1") => exampleRequest(URL, auth, key).split("\n");
const shown = { type: "key", has_secret: true } as const;
const signed = { type: "hmac", tolerance_s: 300, has_secret: true } as const;

test("the request has method, path, host, headers and a body", () => {
  expect(lines({ type: "none" })).toEqual(["POST /hooks/app HTTP/1.1", "Host: penstock.example.com", "Content-Type: application/json", "", '{"id": "1", "email": "ada@example.com"}']);
});

test("the key is where the source looks for it", () => {
  expect(lines({ ...shown, header: "X-Token" })).toContain("X-Token: k&1");
  expect(lines(shown)).toContain("X-API-Key: k&1");
  expect(lines({ ...shown, query: "key" })[0]).toBe("POST /hooks/app?key=k%261 HTTP/1.1");
  expect(lines({ ...shown, basic: "jürgen" }, "pw")).toContain(`Authorization: Basic ${Buffer.from("jürgen:pw").toString("base64")}`);
});

test("a signature has its headers, and never the secret", () => {
  expect(lines({ ...signed, scheme: "standard" })).toEqual(expect.arrayContaining(["webhook-id: UNIQUE-ID", "webhook-timestamp: UNIX-SECONDS", "webhook-signature: v1,SIGNATURE"]));
  const request = lines({ ...signed, scheme: "generic", header: "X-Hub", prefix: "sha256=", timestamp_header: "X-Time" });
  expect(request).toEqual(expect.arrayContaining(["X-Time: UNIX-SECONDS", "X-Hub: sha256=SIGNATURE"]));
  expect(request.join("\n")).not.toContain("k&1");
});

test("a key that is not known is a placeholder", () => {
  expect(lines(shown, null)).toContain("X-API-Key: YOUR-KEY");
});
