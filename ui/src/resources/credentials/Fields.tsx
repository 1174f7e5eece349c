/** The settings of an account and the result of its check, for the dialog and the page. */
import { Button, Collapse, Select, TextInput } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useState } from "react";
import type { Check, CredentialValue, Problem } from "@/api/types";
import { messageAt, NumberField, Status } from "@/parts";
import { t } from "@/texts/pages/credentials";
import { plainText } from "@/texts/service";
import classes from "../style.module.css";

export function withSetting(value: CredentialValue, key: keyof CredentialValue, setting: unknown): CredentialValue {
  const { [key]: _, ...others } = value;
  return setting === undefined || setting === "" ? others : { ...others, [key]: setting };
}

interface Props {
  value: CredentialValue;
  onChange: (value: CredentialValue) => void;
  open?: boolean;
  /** Problems that a check or a save found. */
  problems?: Problem[];
}
export function CredentialFields({ value, onChange, open = false, problems = [] }: Props) {
  const [opened, setMore] = useState(open);
  const more = opened || messageAt(problems, "per", "requests", "timeout", "rate_limit") !== undefined;
  const custify = (value.connector ?? "custify") === "custify";
  const rate = value.rate_limit ?? {};
  if (value.connector === "file") return <FolderField value={value} onChange={onChange} problems={problems} />;
  return (
    <>
      <TextInput
        label={t.base}
        description={custify ? t.baseHint : undefined}
        placeholder={custify ? "auto" : "https://api.example.com"}
        value={value.base_url ?? ""}
        spellCheck={false}
        error={messageAt(problems, "base_url")}
        onChange={(event) => onChange(withSetting(value, "base_url", event.currentTarget.value))}
      />
      <div>
        <Button variant="subtle" px={4} leftSection={more ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />} onClick={() => setMore(!more)} aria-expanded={more}>
          {t.more}
        </Button>
      </div>
      <Collapse expanded={more}>
        <div className={classes.line}>
          <NumberField
            label={t.requests}
            min={1}
            w={110}
            placeholder="100"
            optional
            allowDecimal={false}
            value={rate.requests ?? null}
            error={messageAt(problems, "rate_limit.requests", "rate_limit")}
            onChange={(requests) => onChange(withSetting(value, "rate_limit", requests === null ? undefined : { per: "10s", ...rate, requests }))}
          />
          <TextInput label={t.per} w={90} error={messageAt(problems, "rate_limit.per")} placeholder="10s" value={String(rate.per ?? "")} onChange={(event) => onChange(withSetting(value, "rate_limit", { requests: 100, ...rate, per: event.currentTarget.value || "10s" }))} />
          <TextInput label={t.timeout} w={180} error={messageAt(problems, "timeout")} placeholder="30s" value={String(value.timeout ?? "")} onChange={(event) => onChange(withSetting(value, "timeout", event.currentTarget.value))} />
          {custify && (
            <Select
              label={t.dialect}
              className={classes.grow}
              data={Object.entries(t.dialects).map(([dialect, label]) => ({ value: dialect, label }))}
              value={value.dialect ?? "auto"}
              allowDeselect={false}
              onChange={(dialect) => onChange(withSetting(value, "dialect", dialect === "auto" ? undefined : dialect))}
            />
          )}
        </div>
      </Collapse>
    </>
  );
}

/** The folder of a credential that files are written to. */
function FolderField({ value, onChange, problems }: Required<Omit<Props, "open">>) {
  return (
    <TextInput
      label={t.folder}
      description={t.folderHint}
      placeholder="exports/"
      value={value.path ?? ""}
      spellCheck={false}
      error={messageAt(problems, "path")}
      onChange={(event) => onChange(withSetting(value, "path", event.currentTarget.value))}
    />
  );
}

/** The result of a check: host, dialect, remaining requests, and every host that was tried. */
export function CheckText({ check }: { check: Check }) {
  return (
    <div role="status" className={classes.form} style={{ gap: 6 }}>
      <div>
        <Status of={check.ok ? "ok" : "error"} label={check.ok && check.base_url ? t.answered(check.base_url) : plainText(check.reason)} />
      </div>
      {check.ok && check.dialect && (
        <p className={classes.hint}>
          {t.dialectName(check.dialect)}
          {check.allowance && ` · ${t.left(check.allowance.remaining, check.allowance.limit)}`}
          {check.batch_cost && ` · ${t.batchCost(check.batch_cost.cost, check.batch_cost.source)}`}
        </p>
      )}
      {check.tried.length > 0 && (
        <table className={classes.tried} aria-label={t.tried}>
          <tbody>
            {check.tried.map((one) => (
              <tr key={one.base_url}>
                <th scope="row">
                  <code>{one.base_url}</code>
                </th>
                <td>{one.result}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
