// @vitest-environment happy-dom
import { fireEvent, screen } from "@testing-library/react";
import { useState } from "react";
import { expect, test, vi } from "vitest";
import { show } from "@/test/support";
import { t } from "@/texts/shell";
import { NumberField, numberOf } from "./NumberField";
import { useValidated, ValidityScope } from "./validity";

const saved = vi.fn();
function Form({ optional = false }: { optional?: boolean }) {
  const [value, setValue] = useState<number | null>(10);
  const validated = useValidated();
  return (
    <>
      <NumberField label="Requests" min={1} max={200} optional={optional} value={value} onChange={setValue} />
      <button type="button" onClick={validated(() => saved(value))}>
        Save
      </button>
      <button type="button" onClick={() => setValue(25)}>
        Elsewhere
      </button>
    </>
  );
}
const shown = (optional = false) => {
  saved.mockClear();
  show(
    <ValidityScope>
      <Form optional={optional} />
    </ValidityScope>,
  );
};
const field = () => screen.getByLabelText<HTMLInputElement>("Requests");
const type = (text: string) => fireEvent.change(field(), { target: { value: text } });
const save = () => fireEvent.click(screen.getByText("Save"));

test.each(["", "0", "201"])("a field with %j prevents saving, shows an error and gets the focus", (text) => {
  shown();
  type(text);
  save();
  expect(saved).not.toHaveBeenCalled();
  expect(screen.getByText(t.fields.number(1, 200))).toBeTruthy();
  expect(document.activeElement).toBe(field());
  type("7");
  save();
  expect(saved).toHaveBeenCalledWith(7);
});

test("an empty optional field is null", () => {
  shown(true);
  type("");
  save();
  expect(saved).toHaveBeenCalledWith(null);
});

test("a value that changes elsewhere replaces the typed text", () => {
  shown();
  type("");
  fireEvent.click(screen.getByText("Elsewhere"));
  expect(field().value).toBe("25");
  save();
  expect(saved).toHaveBeenCalledWith(25);
});

test("0 is a number", () => {
  const bounds = { min: 0, max: 5, optional: true, whole: true };
  expect(numberOf(0, bounds)).toBe(0);
  expect(numberOf("0", bounds)).toBe(0);
  expect(numberOf("", bounds)).toBeNull();
  expect(numberOf("1.5", bounds)).toBeUndefined();
  expect(numberOf("-", bounds)).toBeUndefined();
});
