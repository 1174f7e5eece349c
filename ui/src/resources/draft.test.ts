import { expect, test } from "vitest";
import { keptText } from "./draft";

test.each([
  ["postgresql://ada:s3cret@db.example.com/crm", "postgresql://ada:@db.example.com/crm"],
  ["postgresql://:s3cret@db/crm?sslmode=require", "postgresql://:@db/crm?sslmode=require"],
  ["postgresql://ada:${env:PASSWORD}@db/crm", "postgresql://ada:${env:PASSWORD}@db/crm"],
  ["https://api.example.com:8443/v1", "https://api.example.com:8443/v1"],
  ["https://api.example.com:8443/of/ada@example.com", "https://api.example.com:8443/of/ada@example.com"],
  ["write to ada@example.com: soon", "write to ada@example.com: soon"],
])("a password in an address is not kept in the browser: %s", (typed, kept) => {
  expect(JSON.parse(keptText({ value: { url: [typed] } }))).toEqual({ value: { url: [kept] } });
});
