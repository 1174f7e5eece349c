import { expect, test } from "vitest";
import { differences, resourcesOf } from "./project";

const PROJECT = `datasets:
  contacts:
    source: crm
    key: [region, id]
    sql: |-
      select *
      from source

destinations:
  people:
    dataset: contacts
    fields: {email: mail, plan: {value: "1"}, seats: {value: 1.50}}
    exclude: []
`;

test("each setting has its path and its value as people read it", () => {
  expect(resourcesOf(PROJECT)).toEqual([
    {
      kind: "datasets",
      name: "contacts",
      settings: [
        { path: ["source"], text: "crm" },
        { path: ["key"], text: "region, id" },
        { path: ["sql"], text: "select *\nfrom source" },
      ],
    },
    {
      kind: "destinations",
      name: "people",
      settings: [
        { path: ["dataset"], text: "contacts" },
        { path: ["fields", "email"], text: "mail" },
        { path: ["fields", "plan", "value"], text: '"1"' },
        { path: ["fields", "seats", "value"], text: "1.50" },
        { path: ["exclude"], text: "" },
      ],
    },
  ]);
  expect(resourcesOf("")).toEqual([]);
});

test("a setting that changed has both values, one that came or went has one", () => {
  const after = PROJECT.replace("email: mail, ", "").replace('"1"', "1").replace("    exclude: []", "    exclude: []\n    mode: all");
  expect(differences(PROJECT, after)).toEqual([
    {
      kind: "destinations",
      name: "people",
      change: "changed",
      settings: [
        { path: ["fields", "email"], before: "mail", after: undefined },
        { path: ["fields", "plan", "value"], before: '"1"', after: "1" },
        { path: ["mode"], before: undefined, after: "all" },
      ],
    },
  ]);
  expect(differences(PROJECT, PROJECT)).toEqual([]);
});

test("a resource that came or went has all its settings", () => {
  const one = "flows:\n  nightly: {destinations: [a, b]}\n";
  expect(differences("", one)).toEqual([{ kind: "flows", name: "nightly", change: "added", settings: [{ path: ["destinations"], before: undefined, after: "a, b" }] }]);
  expect(differences(one, "")[0]).toMatchObject({ change: "removed", settings: [{ before: "a, b", after: undefined }] });
});

test("values that read alike and are not the same are a difference", () => {
  const settings = (key: string) => differences("datasets: {contacts: {key: id}}", `datasets: {contacts: {key: ${key}}}`)[0]?.settings[0]?.after;
  expect(settings("[a, b]")).toBe("a, b");
  expect(settings('["a, b"]')).toBe('"a, b"');
  expect([settings("True"), settings('"True"')]).toEqual(["True", '"True"']);
});
