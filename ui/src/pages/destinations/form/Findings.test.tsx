// @vitest-environment happy-dom
import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { t } from "@/texts/pages/destinations";
import { answering, show } from "@/test/support";
import { Findings } from "./Findings";

const VALUE = { dataset: "people", credential: "acme", template: "upsert_person" };
const refused = (count: number, reason: string, ...examples: [string, string | null][]) => ({ field: "email", rule: "email", reason, count, examples: examples.map(([key, value]) => ({ key, value })) });
const showing = (found: unknown) => {
  const requests = answering({ body: found });
  show(<Findings name="people" value={VALUE} ready />);
  return requests;
};

test("the number of records that would be quarantined, by rule, with examples", async () => {
  const requests = showing({ records: 7043, checked: 7043, refused: [refused(36, "email: no address", ["u-1", "nobody"], ["u-2", null]), refused(1, "the record has no key")], notes: [] });
  expect(await screen.findByText(t.findings.some(37, 7043))).toBeTruthy();
  expect(screen.getAllByRole("listitem").map((item) => item.querySelector("b")?.textContent)).toEqual(["36", "1"]);
  expect(screen.getByText(t.findings.examples(["u-1 (nobody)", "u-2"]))).toBeTruthy();
  expect(requests[0]?.body).toEqual({ name: "people", value: VALUE });
});

test("no refused record is reported too, with the number of checked records", async () => {
  showing({ records: 90_000, checked: 50_000, refused: [], notes: [] });
  expect(await screen.findByText(t.findings.fine(50_000))).toBeTruthy();
  expect(screen.getByText(t.findings.partly(50_000, 90_000))).toBeTruthy();
});
