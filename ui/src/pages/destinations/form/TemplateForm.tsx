/** The form of a template: the choice of a template, then the mapping of its fields. */
import { Button, Select, Switch, TextInput, UnstyledButton } from "@mantine/core";
import { memo, useCallback, useRef, useState } from "react";
import type { Column, DestinationValue, FieldValue, Problem, Template, TemplateField } from "@/api/types";
import { messageAt, Panel } from "@/parts";
import { t } from "@/texts/pages/destinations";
import classes from "../style.module.css";
import { asTemplate, columnOf, cutsText, recordTemplate, type Dialect, type Mapping, mappingOf, grouped, isBatch, isRequired, matchOf, parsedText, objectsOf, withMapping, suggestedFields, suggestion, shownText, withCut, withField } from "../value";

interface Props {
  value: DestinationValue;
  onChange: (value: DestinationValue) => void;
  templates: Template[];
  columns: Column[];
  dialect: Dialect;
  problems: Problem[];
}

export function TemplateForm({ value, onChange, templates, columns, dialect, problems }: Props) {
  const chosen = templates.find((template) => template.name === value.template);
  const latest = useRef<(template: Template) => void>(() => undefined);
  latest.current = (template) => {
    const next = asTemplate(value, template, columns);
    const item = recordTemplate(template, undefined, templates);
    // a batch has the fields of the object that it holds
    onChange(isBatch(template) && item ? { ...next, object: Object.keys(template.items)[0] as BatchObject, fields: suggestedFields(item, columns) } : next);
  };
  const choose = useCallback((template: Template) => latest.current(template), []);
  return (
    <>
      <Endpoint templates={templates} chosen={chosen} choose={choose} />
      {chosen && !isBatch(chosen) && <Fields {...{ value, onChange, columns, dialect, problems }} template={chosen} />}
      {chosen && isBatch(chosen) && <BatchFields batch={chosen} {...{ value, onChange, templates, columns, dialect, problems }} />}
    </>
  );
}

interface EndpointProps {
  templates: Template[];
  chosen: Template | undefined;
  choose: (template: Template) => void;
}
const Endpoint = memo(function Endpoint({ templates, chosen, choose: take }: EndpointProps) {
  const [browsing, setBrowsing] = useState(false);
  const groups = grouped(templates);
  const choose = (template: Template) => {
    setBrowsing(false);
    take(template);
  };
  return (
    <Panel
      title={t.configure.endpoint}
      actions={
        chosen && (
          <Button variant="subtle" aria-expanded={browsing} onClick={() => setBrowsing(!browsing)}>
            {browsing ? t.configure.fewerTemplates : t.configure.allTemplates}
          </Button>
        )
      }
    >
      <Select
        label={t.configure.choose}
        placeholder={t.configure.choosePlaceholder}
        data={groups.map((one) => ({ group: t.configure.groups[one.group] ?? one.group, items: one.templates.map((template) => ({ value: template.name, label: template.title })) }))}
        value={chosen?.name ?? null}
        searchable
        allowDeselect={false}
        maxDropdownHeight={420}
        onChange={(name) => {
          const template = templates.find((one) => one.name === name);
          if (template) choose(template);
        }}
      />
      {chosen !== undefined && !browsing && <p className={classes.hint}>{chosen.description}</p>}
      {(chosen === undefined || browsing) &&
        groups.map((one) => (
          <div key={one.group} role="group" aria-label={t.configure.groups[one.group]}>
            <h3 className={classes.groupTitle}>{t.configure.groups[one.group]}</h3>
            <div className={classes.cards}>
              {one.templates.map((template) => (
                <UnstyledButton key={template.name} className={classes.card} data-chosen={template === chosen} aria-pressed={template === chosen} onClick={() => choose(template)}>
                  <b>{template.title}</b>
                  <span>{template.description}</span>
                </UnstyledButton>
              ))}
            </div>
          </div>
        ))}
    </Panel>
  );
});

type BatchObject = NonNullable<DestinationValue["object"]>;
function BatchFields(props: Props & { batch: Template }) {
  const { value, onChange, templates, dialect } = props;
  const objects = objectsOf(props.batch, templates, dialect);
  const template = recordTemplate(props.batch, value.object, templates);
  return (
    <>
      <Panel title={t.configure.request}>
        <Select
          label={t.configure.object}
          data={objects.map((name) => ({ value: name, label: t.configure.objects[name] ?? name }))}
          value={value.object ?? objects[0]}
          allowDeselect={false}
          onChange={(name) => {
            const next = name === null ? undefined : recordTemplate(props.batch, name, templates);
            if (name !== null && next) onChange({ ...value, object: name as BatchObject, fields: suggestedFields(next, props.columns) });
          }}
        />
      </Panel>
      {template && <Fields {...props} template={template} />}
    </>
  );
}

function Fields({ value, onChange, template, columns, dialect, problems }: Omit<Props, "templates"> & { template: Template }) {
  const [all, setAll] = useState(false);
  const match = matchOf(template, dialect);
  const named = match.map((name) => template.fields.find((field) => field.name === name)?.label ?? name).join(t.configure.or);
  const met = match.some((name) => value.fields?.[name] !== undefined);
  const fields = template.fields;
  const errorAt = (field: TemplateField) => messageAt(problems, `fields.${field.name}`, `fields.${field.name}.column`, `fields.${field.name}.truncate`);
  const first = fields.filter((field) => field.page || value.fields?.[field.name] !== undefined || isRequired(field, dialect) || errorAt(field) !== undefined);
  const more = fields.length - first.length;
  // stable handlers, so that unchanged rows are not rendered again at every key press
  const latest = useRef<Give>(() => undefined);
  latest.current = (field, given) => onChange(withField(value, field, given));
  const give = useCallback<Give>((field, given) => latest.current(field, given), []);
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
            limit={dialect === "native" && field.type === "text" ? field.max_length : null}
            error={errorAt(field)}
            give={give}
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

type Give = (field: string, given: FieldValue | undefined) => void;
interface RowProps {
  field: TemplateField;
  required: boolean;
  given: FieldValue | undefined;
  columns: Column[];
  /** The longest text that Custify accepts, in characters; null: no limit. */
  limit: number | null;
  error: string | undefined;
  give: Give;
}
const FieldRow = memo(function FieldRow({ field, required, given, columns, limit, error, give }: RowProps) {
  const onChange = (next: FieldValue | undefined) => give(field.name, next);
  const as = mappingOf(given);
  const column = columnOf(given);
  const known = columns.find((one) => one.name === column);
  const ways = [
    { value: "none", label: t.configure.notMapped },
    { value: "column", label: t.configure.column },
    { value: "constant", label: t.configure.constant },
    { value: "default", label: t.configure.withDefault },
  ];
  const choices = columns.map((one) => ({ value: one.name, label: one.name }));
  const examples = known === undefined || as === "constant" ? [] : known.examples.slice(0, 3);
  const suggested = as === "column" && column !== null && column === suggestion(field, columns);
  return (
    <div className={classes.field} role="group" aria-label={field.label}>
      <div className={classes.fieldName}>
        <span>
          {field.label}
          {required && <em>{t.configure.required}</em>}
        </span>
        <small title={field.description}>{field.description}</small>
      </div>
      <Select aria-label={t.configure.kind(field.label)} data={ways} value={as} allowDeselect={false} onChange={(way) => onChange(withMapping(given, (way ?? "none") as Mapping, columns))} />
      <div className={classes.fieldValue}>
        {(as === "column" || as === "default") && (
          <Select
            aria-label={t.configure.columnOf(field.label)}
            data={column !== null && known === undefined ? [...choices, { value: column, label: column }] : choices}
            value={column}
            searchable
            allowDeselect={false}
            rightSection={<span className={classes.type}>{known?.type}</span>}
            rightSectionWidth={74}
            rightSectionPointerEvents="none"
            renderOption={({ option }) => <ColumnOption column={columns.find((one) => one.name === option.value)} name={option.label} />}
            onChange={(name) => name !== null && onChange(typeof given === "object" ? { ...given, column: name } : name)}
          />
        )}
        {as === "constant" && (
          <TextInput aria-label={t.configure.valueOf(field.label)} value={shownText((given as { value: unknown }).value)} onChange={(event) => onChange({ value: parsedText(event.currentTarget.value) })} />
        )}
        {as === "default" && (
          <TextInput
            aria-label={t.configure.defaultOf(field.label)}
            value={shownText((given as { default?: unknown }).default ?? "")}
            onChange={(event) => onChange({ ...(given as object), column: column ?? "", default: parsedText(event.currentTarget.value) })}
          />
        )}
        {given !== undefined && column !== null && (limit !== null || cutsText(given)) && (
          <Switch
            size="xs"
            label={t.configure.cut}
            aria-label={t.configure.cutOf(field.label)}
            description={limit === null ? undefined : t.configure.cutHint(limit)}
            checked={cutsText(given)}
            onChange={(event) => onChange(withCut(given, event.currentTarget.checked))}
          />
        )}
        {error !== undefined && (
          <p className={classes.wrong} role="alert">
            {error}
          </p>
        )}
        {(examples.length > 0 || suggested) && (
          <small title={examples.join(", ")}>{[suggested && t.configure.suggested, examples.length > 0 && t.configure.example(examples.join(", "))].filter(Boolean).join(" · ")}</small>
        )}
      </div>
    </div>
  );
});

/** An option for a column: name, type, examples. */
function ColumnOption({ column, name }: { column: Column | undefined; name: string }) {
  return (
    <div className={classes.option}>
      <span>
        {name} <span className="muted">{column?.type}</span>
      </span>
      {column !== undefined && column.examples.length > 0 && <small>{column.examples.slice(0, 3).join(", ")}</small>}
    </div>
  );
}
