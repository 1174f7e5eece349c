/** An example request for developers of the programs that post to a webhook. */
import type { Hook } from "@/api/types";

const BODY = '{"id": "1", "email": "ada@example.com"}';

/** The HTTP request that posts one record. `key` is the secret; null: a placeholder takes its place. */
export function exampleRequest(url: string, auth: Hook["auth"], key: string | null): string {
  const { host, pathname } = new URL(url);
  const secret = key ?? "YOUR-KEY";
  const parameter = auth.type === "key" && auth.query !== undefined ? `?${auth.query}=${encodeURIComponent(secret)}` : "";
  return [`POST ${pathname}${parameter} HTTP/1.1`, `Host: ${host}`, "Content-Type: application/json", ...credentials(auth, secret), "", BODY].join("\n");
}

/** The headers that show who the sender is. */
function credentials(auth: Hook["auth"], secret: string): string[] {
  if (auth.type === "none") return [];
  if (auth.type === "key") {
    if (auth.query !== undefined) return [];
    return auth.basic === undefined ? [`${auth.header ?? "X-API-Key"}: ${secret}`] : [`Authorization: Basic ${base64(`${auth.basic}:${secret}`)}`];
  }
  if (auth.scheme === "standard") return ["webhook-id: UNIQUE-ID", "webhook-timestamp: UNIX-SECONDS", "webhook-signature: v1,SIGNATURE"];
  const moment = auth.timestamp_header ? [`${auth.timestamp_header}: UNIX-SECONDS`] : [];
  return [...moment, `${auth.header ?? "X-Signature"}: ${auth.prefix ?? ""}SIGNATURE`];
}

const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
