// @vitest-environment happy-dom
import { fireEvent, screen, within } from "@testing-library/react";
import { useState } from "react";
import { expect, test } from "vitest";
import type { Column, DestinationValue, Problem, Template, TemplateField } from "@/api/types";
import { t } from "@/texts/pages/destinations";
import { show } from "@/test/support";
import { TemplateForm } from "./TemplateForm";

const column = (name: string, ...examples: string[]): Column => ({ name, type: "text", nullable: false, examples });
const COLUMNS = [column("id", "u-1", "u-2"), column("mail", "ada@example.com"), column("shoe_size", "38")];
const field = (name: string, label: string, more: Partial<TemplateField> = {}) => ({ name, label, type: "text", description: "", required: [], page: true, auto: true, ...more }) as unknown as TemplateField;
const person = {
  name: "upsert_person",
  title: "Upsert person",
  description: "Creates a person.",
  object: "person",
  modes: ["changed"],
  match: { native: ["user_id", "email"], flat: ["email"] },
  items: {},
  fields: [field("user_id", "User id"), field("email", "E-mail", { type: "email", required: ["flat"] }), field("plan", "Plan"), field("cohort", "Cohort", { page: false })],
} as unknown as Template;

let now: DestinationValue;
function Form({ dialect, columns = COLUMNS, problems = [] }: { dialect: "native" | "flat"; columns?: Column[]; problems?: Problem[] }) {
  const [value, setValue] = useState<DestinationValue>({ dataset: "people", credential: "acme" });
  now = value;
  return <TemplateForm value={value} onChange={setValue} templates={[person]} columns={columns} dialect={dialect} problems={problems} />;
}
const choose = () => fireEvent.click(screen.getByRole("button", { name: /^Upsert person/ }));
const row = (label: string) => within(screen.getByRole("group", { name: label }));
function pick(label: string, option: string) {
  const box = screen.getByRole("combobox", { name: label });
  fireEvent.click(box);
  const list = document.getElementById(box.getAttribute("aria-controls") ?? "") as HTMLElement;
  fireEvent.click(within(list).getByRole("option", { name: option, hidden: true }));
}

test("a template maps columns with fitting names and marks them as suggested", () => {
  show(<Form dialect="native" />);
  choose();
  expect(now).toMatchObject({ template: "upsert_person", fields: { user_id: "id", email: "mail" } });
  expect(row("E-mail").getByText(`${t.configure.suggested} · ${t.configure.example("ada@example.com")}`)).toBeTruthy();
  expect(screen.getByText(t.configure.matchMet("User id or E-mail"))).toBeTruthy();
});

test("without a match key, the rule is shown as not met", () => {
  show(<Form dialect="native" columns={[column("shoe_size")]} />);
  choose();
  expect(screen.getByText(t.configure.match("User id or E-mail")).getAttribute("data-warn")).toBe("true");
});

test("fields that the account's dialect requires are marked", () => {
  show(<Form dialect="flat" />);
  choose();
  expect(row("E-mail").getByText(t.configure.required)).toBeTruthy();
  expect(row("User id").queryByText(t.configure.required)).toBeNull();
});

test("fields become typed constants one after another, and none is lost", () => {
  show(<Form dialect="native" />);
  choose();
  pick(t.configure.kind("Plan"), t.configure.constant);
  fireEvent.change(screen.getByLabelText(t.configure.valueOf("Plan")), { target: { value: "0" } });
  expect(now.fields).toMatchObject({ plan: { value: 0 } });
  pick(t.configure.kind("E-mail"), t.configure.withDefault);
  fireEvent.change(screen.getByLabelText(t.configure.defaultOf("E-mail")), { target: { value: "none@example.com" } });
  expect(now.fields).toEqual({ user_id: "id", email: { column: "mail", default: "none@example.com" }, plan: { value: 0 } });
});

test("further fields are shown on demand", () => {
  show(<Form dialect="native" />);
  choose();
  expect(screen.queryByRole("group", { name: "Cohort" })).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: t.configure.moreFields(1) }));
  expect(screen.getByRole("group", { name: "Cohort" })).toBeTruthy();
});

test("a problem of a field is shown at the field", () => {
  const problems = [{ path: "destinations.x.fields.email", code: "unknown-column", message: "there is no column mail", hint: "" }] as Problem[];
  show(<Form dialect="native" problems={problems} />);
  choose();
  expect(row("E-mail").getByRole("alert").textContent).toBe("there is no column mail");
  expect(row("User id").queryByRole("alert")).toBeNull();
});
