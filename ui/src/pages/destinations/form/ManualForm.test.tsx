// @vitest-environment happy-dom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { useState } from "react";
import { expect, test, vi } from "vitest";
import type { DestinationValue, Problem } from "@/api/types";
import { useValidated, ValidityScope } from "@/parts";
import { show } from "@/test/support";
import { t } from "@/texts/pages/destinations";
import { ManualForm } from "./ManualForm";
import { asManual, tidy } from "../value";

const saved = vi.fn();
let now: DestinationValue;
function Form({ problems = [] }: { problems?: Problem[] }) {
  const [value, setValue] = useState<DestinationValue>(asManual({ dataset: "d", credential: "c" }));
  now = value;
  const validated = useValidated();
  return (
    <>
      <ManualForm value={value} onChange={setValue} columns={[]} problems={problems} refused={[]} />
      <button type="button" onClick={validated(() => saved(tidy(value)))}>
        Done
      </button>
    </>
  );
}
const shown = (problems: Problem[] = []) => {
  saved.mockClear();
  show(
    <ValidityScope>
      <Form problems={problems} />
    </ValidityScope>,
  );
};

test("the form starts without URL and batching", () => {
  shown();
  expect(screen.getByLabelText<HTMLInputElement>(t.configure.url).value).toBe("");
  expect(screen.getByLabelText<HTMLInputElement>(t.configure.batchIt).checked).toBe(false);
  expect(now.request).toEqual({ method: "POST", url: "" });
});

test("other properties that are not a JSON object stay in the field with an error and are not saved", () => {
  shown();
  fireEvent.change(screen.getByLabelText(t.configure.url), { target: { value: "/batch" } });
  fireEvent.click(screen.getByLabelText(t.configure.batchIt));
  const box = screen.getByRole("combobox", { name: t.configure.grouping });
  fireEvent.click(box);
  fireEvent.click(screen.getByRole("option", { name: t.configure.groupings["property"] ?? "", hidden: true }));
  const field = screen.getByLabelText<HTMLInputElement>(t.configure.otherProps);
  fireEvent.change(field, { target: { value: '{"origin": ' } });
  fireEvent.click(screen.getByText("Done"));
  expect(saved).not.toHaveBeenCalled();
  expect(screen.getByText(t.configure.notJson)).toBeTruthy();
  expect(document.activeElement).toBe(field);
  expect(field.value).toBe('{"origin": ');
  fireEvent.change(field, { target: { value: '{"origin": 0}' } });
  fireEvent.click(screen.getByText("Done"));
  expect(saved.mock.lastCall?.[0].request.batch.grouping.other_props).toEqual({ origin: 0 });
});

test("a problem of the service is shown at its field", () => {
  shown([{ path: "destinations.x.request.headers", code: "missing", message: "an address is needed", hint: "" } as Problem]);
  expect(screen.getByText("an address is needed")).toBeTruthy();
});

test("an empty URL is an error only after its field lost the focus or Done was pressed", () => {
  const missing = () => screen.queryAllByText(t.configure.urlMissing).length;
  shown([{ path: "destinations.x.request.url", code: "empty", message: "the text is empty", hint: "" } as Problem]);
  expect(screen.queryByText("the text is empty")).toBeNull();
  expect(missing()).toBe(0);
  fireEvent.click(screen.getByText("Done"));
  expect(saved).not.toHaveBeenCalled();
  const field = screen.getByLabelText<HTMLInputElement>(t.configure.url);
  expect(document.activeElement).toBe(field);
  expect(missing()).toBe(1);
  expect(screen.queryByText("the text is empty")).toBeNull();
  fireEvent.change(field, { target: { value: "/people" } });
  expect(missing()).toBe(0);
  fireEvent.click(screen.getByText("Done"));
  expect(saved).toHaveBeenCalledOnce();

  cleanup();
  shown();
  fireEvent.blur(screen.getByLabelText(t.configure.url));
  expect(missing()).toBe(1);
});

test("the idempotency header and the check after a lost reply are saved as long as one of their fields is filled", () => {
  shown();
  const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });
  type(t.configure.idempotencyValue, "{record.id}");
  expect(now.request?.idempotency).toEqual({ value: "{record.id}" });
  type(t.configure.idempotencyHeader, "X-Once");
  expect(now.request?.idempotency).toEqual({ header: "X-Once", value: "{record.id}" });
  type(t.configure.settleFound, "$.id");
  type(t.configure.settleUrl, "/things/{record.id}");
  expect(now.request?.settle).toEqual({ url: "/things/{record.id}", found: "$.id" });
  for (const label of [t.configure.idempotencyValue, t.configure.idempotencyHeader, t.configure.settleUrl, t.configure.settleFound]) type(label, "");
  expect(now.request).toEqual({ method: "POST", url: "" });
});

test("problems of the idempotency header and of the check after a lost reply are shown at their fields", () => {
  const places = ["idempotency", "idempotency.value", "settle.url", "settle.found"];
  shown(places.map((place) => ({ path: `destinations.x.request.${place}`, code: "x", message: `wrong ${place}`, hint: "" }) as Problem));
  for (const place of places) expect(screen.getByText(`wrong ${place}`)).toBeTruthy();
});
