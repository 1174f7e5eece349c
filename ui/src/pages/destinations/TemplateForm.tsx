/** Configure by template: the ten as cards grouped by object, then each field's column, constant or default. */
import { Button, Select, TextInput, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import type { Column, DestinationValue, FieldValue, Template, TemplateField } from "@/api/types";
import { Panel } from "@/parts";
import { t } from "@/texts/destinations";
import classes from "./Destinations.module.css";
import { asTemplate, columnOf, type Dialect, fieldsOf, type Given, givenAs, isRequired, matchOf, meant, regiven, typed, withField } from "./value";

interface Props {
  value: DestinationValue;
  onChange: (value: DestinationValue) => void;
  templates: Template[];
  columns: Column[];
  dialect: Dialect;
}

export function TemplateForm({ value, onChange, templates, columns, dialect }: Props) {
  const chosen = templates.find((template) => template.name === value.template);
  return (
    <>
      <Panel title={t.configure.endpoint}>
        <Select
          label={t.configure.choose}
          data={templates.map((template) => ({ value: template.name, label: template.title }))}
          value={value.template ?? null}
          searchable
          onChange={(name) => {
            const template = templates.find((one) => one.name === name);
            if (template) onChange(asTemplate(value, template, columns));
          }}
        />
        {chosen === undefined ? (
          <div className={classes.cards}>
            {templates.map((template) => (
              <UnstyledButton key={template.name} className={classes.card} onClick={() => onChange(asTemplate(value, template, columns))}>
                <b>{template.title}</b>
                <span>{template.description}</span>
              </UnstyledButton>
            ))}
          </div>
        ) : (
          <p className={classes.hint}>{chosen.description}</p>
        )}
      </Panel>
      {chosen && chosen.name !== "send_batch" && <Fields {...{ value, onChange, columns, dialect }} template={chosen} />}
      {chosen?.name === "send_batch" && <BatchObject {...{ value, onChange, templates, columns, dialect }} />}
    </>
  );
}

function BatchObject(props: Props) {
  const { value, onChange, templates, dialect } = props;
  const objects = dialect === "flat" ? ["person", "company"] : ["person", "company", "event", "custom_object"];
  const object = typeof value["object"] === "string" ? value["object"] : null;
  const items: Record<string, string> = { person: "upsert_person", company: "upsert_company", event: "insert_event", custom_object: "upsert_custom_object" };
  const template = templates.find((one) => one.name === items[object ?? "person"]);
  return (
    <>
      <Panel title={t.configure.request}>
        <Select
          label={t.configure.object}
          data={objects.map((name) => ({ value: name, label: t.configure.objects[name] ?? name }))}
          value={object ?? "person"}
          onChange={(name) => onChange({ ...value, object: name ?? "person" })}
        />
      </Panel>
      {template && <Fields {...props} template={template} />}
    </>
  );
}

function Fields({ value, onChange, template, columns, dialect }: Omit<Props, "templates"> & { template: Template }) {
  const [all, setAll] = useState(false);
  const match = matchOf(template, dialect);
  const named = match.map((name) => fieldsOf(template).find((field) => field.name === name)?.label ?? name).join(" or ");
  const met = match.some((name) => value.fields?.[name] !== undefined);
  const fields = fieldsOf(template);
  const first = fields.filter((field) => field["page"] !== false || value.fields?.[field.name] !== undefined || isRequired(field, dialect));
  const more = fields.length - first.length;
  return (
    <Panel title={t.configure.fields}>
      {match.length > 0 && (
        <p className={classes.hint} data-warn={!met}>
          {met ? t.configure.matchMet(named) : t.configure.match(named)}
        </p>
      )}
      <div className={classes.fields}>
        {(all ? fields : first).map((field) => (
          <FieldRow
            key={field.name}
            field={field}
            required={isRequired(field, dialect) || match.length === 1 && match[0] === field.name}
            given={value.fields?.[field.name]}
            columns={columns}
            onChange={(given) => onChange(withField(value, field.name, given))}
          />
        ))}
      </div>
      {more > 0 && (
        <Button variant="subtle" onClick={() => setAll(!all)}>
          {all ? t.configure.fewerFields : t.configure.moreFields(more)}
        </Button>
      )}
    </Panel>
  );
}

interface RowProps {
  field: TemplateField;
  required: boolean;
  given: FieldValue | undefined;
  columns: Column[];
  onChange: (given: FieldValue | undefined) => void;
}
function FieldRow({ field, required, given, columns, onChange }: RowProps) {
  const as = givenAs(given);
  const column = columnOf(given);
  const known = columns.find((one) => one.name === column);
  const ways = [
    { value: "none", label: t.configure.notMapped },
    { value: "column", label: t.configure.column },
    { value: "constant", label: t.configure.constant },
    { value: "default", label: t.configure.withDefault },
  ];
  const choices = columns.map((one) => ({ value: one.name, label: `${one.name} · ${one.type}` }));
  return (
    <div className={classes.field} role="group" aria-label={field.label}>
      <div className={classes.fieldName}>
        <span>
          {field.label}
          {required && <em>{t.configure.required}</em>}
        </span>
        <small title={field.description}>{field.description}</small>
      </div>
      <Select aria-label={t.configure.kind(field.label)} data={ways} value={as} allowDeselect={false} onChange={(way) => onChange(regiven(given, (way ?? "none") as Given, columns))} />
      <div className={classes.fieldValue}>
        {(as === "column" || as === "default") && (
          <Select
            aria-label={t.configure.columnOf(field.label)}
            data={column !== null && known === undefined ? [...choices, { value: column, label: column }] : choices}
            value={column}
            searchable
            allowDeselect={false}
            onChange={(name) => name !== null && onChange(as === "default" ? { column: name, default: (given as { default?: unknown }).default } : name)}
          />
        )}
        {as === "constant" && (
          <TextInput aria-label={t.configure.valueOf(field.label)} value={typed((given as { value: unknown }).value)} onChange={(event) => onChange({ value: meant(event.currentTarget.value) })} />
        )}
        {as === "default" && (
          <TextInput
            aria-label={t.configure.defaultOf(field.label)}
            value={typed((given as { default?: unknown }).default ?? "")}
            onChange={(event) => onChange({ column: column ?? "", default: meant(event.currentTarget.value) })}
          />
        )}
        {known !== undefined && known.examples.length > 0 && as !== "constant" && <small>{t.configure.example(known.examples.slice(0, 3).join(", "))}</small>}
      </div>
    </div>
  );
}
