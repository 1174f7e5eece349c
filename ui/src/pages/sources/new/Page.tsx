/** The page of a new source: first its kind, then its settings beside a preview. */
import { UnstyledButton } from "@mantine/core";
import { IconCloudDown, IconCloudUpload, IconDatabase, IconFile, IconWebhook, type TablerIcon } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { SourceValue } from "@/api/types";
import classes from "@/resources/style.module.css";
import { stem } from "@/resources/names";
import type { FormProps } from "@/resources/Editor";
import { NewResource } from "@/resources/New";
import { t } from "@/texts/pages/sources";
import { SourceCheck } from "../form/Check";
import { SourceForm } from "../Form";
import { asTable, initialValue, isComplete, type Way, WAYS } from "../value";

const ICONS: Record<Way, TablerIcon> = { upload: IconCloudUpload, file: IconFile, sql: IconDatabase, webhook: IconWebhook, custify: IconCloudDown };

export function NewSource() {
  const { way = "upload" } = useSearch({ from: "/shell/sources/new" });
  const navigate = useNavigate({ from: "/sources/new" });
  return (
    <NewResource
      key={way}
      kind="sources"
      draft={way}
      first={initialValue(way)}
      suggest={(value) => suggested(value as SourceValue)}
      ready={(value) => isComplete(value as SourceValue)}
      then={(name) => void navigate({ to: "/sources/$name", params: { name } })}
      form={(props) => <Form {...props} way={way} choose={(to) => void navigate({ search: { way: to }, replace: true })} />}
    />
  );
}

function suggested(value: SourceValue): string {
  if (value.type === "file") return stem(value.path ?? "");
  if (value.type === "sql") return (value.table ?? "").split(".").at(-1) || "database";
  return value.type === "custify" ? String((value as { object?: string }).object) : "webhook";
}

function Form({ value, onChange, name, way, choose }: FormProps & { way: Way; choose: (way: Way) => void }) {
  const source = value as SourceValue;
  return (
    <>
      <div className={classes.tiles} role="radiogroup" aria-label={t.ways.label}>
        {WAYS.map((one) => {
          const Icon = ICONS[one];
          return (
            <UnstyledButton key={one} className={classes.tile} role="radio" aria-checked={one === way} data-chosen={one === way} onClick={() => choose(one)}>
              <Icon size={18} stroke={1.6} aria-hidden />
              <b>{t.ways[one].title}</b>
              <span>{t.ways[one].hint}</span>
            </UnstyledButton>
          );
        })}
      </div>
      {way === "webhook" ? (
        <>
          <SourceForm value={source} onChange={onChange} />
          <p className={classes.hint}>{t.hook.after}</p>
        </>
      ) : (
        <div className={classes.split}>
          <SourceForm value={source} onChange={onChange} uploads={way === "upload"} />
          <div className={classes.side}>
            <SourceCheck name={name} value={source} onTable={(table) => onChange({ ...asTable(source), table })} onEncoding={(encoding) => onChange({ ...source, encoding })} atOnce={way === "upload"} />
          </div>
        </div>
      )}
    </>
  );
}
