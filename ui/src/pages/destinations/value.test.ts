import { describe, expect, it } from "vitest";
import type { Column, Template } from "@/api/types";
import { freeName } from "@/resources/names";
import { asManual, asTemplate, mappingOf, openMacro, parsedText, nestedPaths, withMapping, suggestedFields, tidy, shownText, withField } from "./value";

const column = (name: string): Column => ({ name, type: "text", nullable: false, examples: [] });
const person = {
  name: "upsert_person",
  fields: [
    { name: "user_id", label: "User id", page: true, auto: true },
    { name: "email", label: "E-mail", page: true, auto: true },
    { name: "company_id", label: "Company id", page: true, auto: true },
    { name: "id", label: "Custify id", page: true, auto: false },
  ],
} as Template;

describe("suggestions", () => {
  it("prefer the column of the same name to a synonym", () => {
    const fields = suggestedFields(person, [column("id"), column("User-ID"), column("E_Mail"), column("account")]);
    expect(fields).toEqual({ user_id: "User-ID", email: "E_Mail", company_id: "account" });
  });
  it("use each column once, and none for fields that are never mapped by name", () => {
    expect(suggestedFields(person, [column("customerID")])).toEqual({ user_id: "customerID" });
  });
});

describe("a value", () => {
  it("keeps 0, false and empty text, and leaves out settings that were never set", () => {
    expect(tidy({ dataset: "d", credential: "c", concurrency: 0, active: false, path: "", exclude: [], mode: undefined as never })).toEqual({
      dataset: "d",
      credential: "c",
      concurrency: 0,
      active: false,
      path: "",
    });
  });
  it("has a template or a request, never both", () => {
    const manual = asManual({ dataset: "d", credential: "c", template: "upsert_person", fields: { email: "e" }, exclude: ["x"] });
    expect(manual.template).toBeUndefined();
    expect(manual.exclude).toEqual(["x"]);
    expect(asTemplate(manual, person, []).request).toBeUndefined();
  });
  it("parses typed text and shows it unchanged", () => {
    for (const text of ["0", "-3", "29.85", "007", "true", "null", "", "1e3"]) expect(shownText(parsedText(text))).toBe(text);
    expect(parsedText("007")).toBe("007");
    expect(parsedText("0")).toBe(0);
  });
  it("keeps the column when a default is added", () => {
    expect(withMapping("plan", "default", [])).toEqual({ column: "plan", default: "" });
    expect(mappingOf({ column: "plan", default: null })).toBe("default");
  });
});

describe("a field", () => {
  it("that no longer uses the column of its name excludes that column, and includes it again", () => {
    const begun = { dataset: "d", credential: "c", fields: { plan: "plan" } };
    const constant = withField(begun, "plan", { value: "gold" });
    expect(constant).toEqual({ ...begun, fields: { plan: { value: "gold" } }, exclude: ["plan"] });
    expect(withField(constant, "name", "plan").exclude).toEqual([]);
  });
});

describe("names", () => {
  it("are free, and without characters that a path must not have", () => {
    expect(freeName("a b/c", ["a-b-c"])).toBe("a-b-c-2");
  });
});

describe("macros", () => {
  it("start at a brace that is still open at the caret", () => {
    expect(openMacro("/people/{rec", 12)).toEqual({ from: 8, typed: "rec" });
    expect(openMacro("/people/{record.id}/x", 21)).toBeNull();
    expect(openMacro("/{record.id}/{", 14)).toEqual({ from: 13, typed: "" });
    expect(openMacro("{", 0)).toBeNull();
  });
});

describe("nested paths", () => {
  it("are those inside objects, not inside lists, without the columns themselves", () => {
    const rows = [{ id: 1, address: { street: "s", geo: { lat: 1 } }, tags: [{ a: 1 }] }, { id: 2, address: null }];
    expect(nestedPaths(rows)).toEqual(["address.street", "address.geo", "address.geo.lat"]);
  });
});

describe("another template", () => {
  it("keeps the mapping of fields with the same name", () => {
    const before = { dataset: "d", credential: "c", template: "upsert_company", fields: { company_id: "org", size: "seats" } };
    expect(asTemplate(before, person, [column("email"), column("account")]).fields).toEqual({ email: "email", company_id: "org" });
  });
});
