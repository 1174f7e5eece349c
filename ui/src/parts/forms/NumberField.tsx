/** A field for a number within bounds. Invalid text stays in the field with an error and does not change the value. */
import { NumberInput, type NumberInputProps } from "@mantine/core";
import { useEffect, useState } from "react";
import { t } from "@/texts/shell";
import { useFieldValidity } from "./validity";

interface Props extends Omit<NumberInputProps, "value" | "onChange" | "min" | "max"> {
  /** Null: empty. */
  value: number | null;
  onChange: (value: number | null) => void;
  /** Whether the field may be empty; `onChange` then gets null. */
  optional?: boolean;
  min: number;
  max?: number;
}
export function NumberField({ value, onChange, optional = false, min, max, error, disabled = false, ...others }: Props) {
  const [typed, setTyped] = useState<number | string>(value ?? "");
  const read = numberOf(typed, { min, max, optional, whole: others.allowDecimal === false });
  const valid = disabled || read !== undefined;
  useEffect(() => {
    setTyped((old) => (numberOf(old, { min, max, optional, whole: false }) === value ? old : (value ?? "")));
  }, [value, min, max, optional]);
  const id = useFieldValidity(valid);
  return (
    <NumberInput
      {...others}
      id={id}
      min={min}
      {...(max !== undefined && { max })}
      clampBehavior="none"
      disabled={disabled}
      value={typed}
      error={valid ? error : t.fields.number(min, max ?? null)}
      onChange={(input) => {
        setTyped(input);
        const next = numberOf(input, { min, max, optional, whole: others.allowDecimal === false });
        if (next !== undefined && next !== value) onChange(next);
      }}
    />
  );
}

interface Bounds {
  min: number;
  max: number | undefined;
  optional: boolean;
  whole: boolean;
}
/** The number that was typed; null for an empty optional field; undefined for invalid text. */
export function numberOf(typed: number | string, { min, max, optional, whole }: Bounds): number | null | undefined {
  if (typed === "") return optional ? null : undefined;
  const number = Number(typed);
  if (!Number.isFinite(number) || number < min || (max !== undefined && number > max)) return undefined;
  return whole && !Number.isInteger(number) ? undefined : number;
}
