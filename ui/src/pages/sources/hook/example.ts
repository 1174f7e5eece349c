/** An example request for developers of the programs that post to a webhook. */
import type { HookAuth } from "@/api/types";

const BODY = '{"id": "1", "email": "ada@example.com"}';

/** The HTTP request that posts one record. `key` is the secret; null: a placeholder takes its place. */
export function exampleRequest(url: string, auth: HookAuth, key: string | null): string {
  const { host, pathname } = new URL(url);
  const secret = key ?? "YOUR-KEY";
  const parameter = auth.type === "key" && typeof auth["query"] === "string" ? `?${auth["query"]}=${encodeURIComponent(secret)}` : "";
  return [`POST ${pathname}${parameter} HTTP/1.1`, `Host: ${host}`, "Content-Type: application/json", ...credentials(auth, secret), "", BODY].join("\n");
}

/** The headers that show who the sender is. */
function credentials(auth: HookAuth, secret: string): string[] {
  const text = (setting: string, otherwise: string) => (typeof auth[setting] === "string" ? auth[setting] : otherwise);
  if (auth.type === "hmac" && auth["scheme"] === "standard") return ["webhook-id: UNIQUE-ID", "webhook-timestamp: UNIX-SECONDS", "webhook-signature: v1,SIGNATURE"];
  if (auth.type === "hmac") {
    const moment = typeof auth["timestamp_header"] === "string" ? [`${auth["timestamp_header"]}: UNIX-SECONDS`] : [];
    return [...moment, `${text("header", "X-Signature")}: ${text("prefix", "")}SIGNATURE`];
  }
  if (auth.type !== "key" || typeof auth["query"] === "string") return [];
  if (typeof auth["basic"] === "string") return [`Authorization: Basic ${base64(`${auth["basic"]}:${secret}`)}`];
  return [`${text("header", "X-API-Key")}: ${secret}`];
}

const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
