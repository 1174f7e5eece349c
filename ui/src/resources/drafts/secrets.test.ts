import { expect, test } from "vitest";
import { keptText } from "./draft";

test.each([
  ["postgresql://ada:s3cret@db.example.com/crm", "postgresql://ada:@db.example.com/crm"],
  ["postgresql://:s3cret@db/crm?sslmode=require", "postgresql://:@db/crm?sslmode=require"],
  ["postgresql://ada:${env:PASSWORD}@db/crm", "postgresql://ada:${env:PASSWORD}@db/crm"],
  ["https://api.example.com:8443/v1", "https://api.example.com:8443/v1"],
  ["https://api.example.com:8443/of/ada@example.com", "https://api.example.com:8443/of/ada@example.com"],
  ["write to ada@example.com: soon", "write to ada@example.com: soon"],
])("a password in a URL is not stored in the browser: %s", (typed, kept) => {
  expect(JSON.parse(keptText({ value: { url: [typed] } }))).toEqual({ value: { url: [kept] } });
});

test("no typed key is stored in the browser: from a form, from JSON, from a header", () => {
  const typed = {
    text: '{"api_key": "k-1", "headers": {"X-API-Key": "k-2", "X-From": "crm"}, "url": "postgresql://ada:k-3@db/crm"}',
    value: {
      api_key: "k-4",
      auth: { type: "hmac", secret: "k-5" },
      headers: { Authorization: "Bearer k-6", "X-From": "crm", "X-Token": "${env:TOKEN}" },
      request: { headers: "X-API-Key:k-7,X-From:crm,X-Token:{record.token}" },
    },
  };
  const kept = keptText(typed);
  expect(kept).not.toMatch(/k-\d/);
  expect(JSON.parse(kept)).toMatchObject({
    value: { auth: { type: "hmac" }, headers: { "X-From": "crm", "X-Token": "${env:TOKEN}" }, request: { headers: "X-API-Key:,X-From:crm,X-Token:{record.token}" } },
  });
});

test("a column, a query or a text that looks like a key is stored", () => {
  const typed = { value: { sql: "select token, 'secret: 1' as x from source where password = 'y'", types: { secret: "text", token: "json" }, fields: { name: "api_token" }, key: "api_key" } };
  expect(JSON.parse(keptText(typed))).toEqual(typed);
});
