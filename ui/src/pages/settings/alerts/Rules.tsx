/** A rule: its name, a switch, and its number. */
import { Switch } from "@mantine/core";
import { NumberField } from "@/parts";
import { t as all } from "@/texts/pages/settings";
import classes from "../style.module.css";

const t = all.alerts;

export function SwitchRule({ label, on, onChange }: { label: string; on: boolean; onChange: (on: boolean) => void }) {
  return (
    <div className={classes.rule}>
      <span>{label}</span>
      <Switch aria-label={label} checked={on} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span />
    </div>
  );
}

interface Props {
  label: string;
  unit: string;
  /** Null: off. */
  value: number | null;
  /** The value when the rule is turned on. */
  on: number;
  percent?: boolean;
  /** Whether it belongs to the rule above and cannot be off. */
  part?: boolean;
  least?: number;
  onChange: (value: number | null) => void;
}

export function NumberRule({ label, unit, value, on, percent = false, part = false, least, onChange }: Props) {
  const scale = percent ? 100 : 1;
  return (
    <div className={classes.rule} data-part={part}>
      <span>{label}</span>
      {part ? <span /> : <Switch aria-label={t.on(label)} checked={value !== null} onChange={(event) => onChange(event.currentTarget.checked ? on : null)} />}
      <NumberField
        aria-label={label}
        disabled={value === null}
        min={least ?? 1}
        {...(percent && { max: 100 })}
        placeholder={t.off}
        suffix={` ${unit}`}
        thousandSeparator=","
        value={value === null ? null : Math.round(value * scale * 100) / 100}
        onChange={(input) => input !== null && onChange(input / scale)}
      />
    </div>
  );
}
