/** The settings of resources, or their differences, with the labels of the forms: a table for each resource. */
import { Diff, Panel } from "@/parts";
import { settingLabel } from "@/texts/labels";
import { t } from "@/texts/pages/versions";
import { resourceTitle } from "@/texts/service";
import classes from "./Tables.module.css";
import type { Resource, ResourceChange, SettingChange } from "./project";

export function Changes({ changes }: { changes: ResourceChange[] }) {
  if (changes.length === 0) return <p className="muted">{t.same}</p>;
  return changes.map(({ kind, name, change, settings }) => (
    <Panel key={`${kind} ${name}`} title={t.changed(resourceTitle(kind, name), change)}>
      {change === "changed" ? (
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">{t.setting}</th>
              <th scope="col">{t.before}</th>
              <th scope="col">{t.after}</th>
            </tr>
          </thead>
          <tbody>
            {settings.map((setting) => (
              <tr key={setting.path.join(" ")}>
                <th scope="row">{settingLabel(kind, setting.path)}</th>
                <Values setting={setting} />
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <Settings kind={kind} settings={settings.map(({ path, before, after }) => ({ path, text: after ?? before ?? "" }))} />
      )}
    </Panel>
  ));
}

function Values({ setting: { path, before, after } }: { setting: SettingChange }) {
  if (before !== undefined && after !== undefined && (isLong(before) || isLong(after)))
    return (
      <td colSpan={2}>
        <Diff before={before} after={after} language={languageOf(path)} label={t.difference} maxHeight={360} />
      </td>
    );
  return (
    <>
      <td>
        <Value text={before} />
      </td>
      <td>
        <Value text={after} />
      </td>
    </>
  );
}

export function Resources({ resources }: { resources: Resource[] }) {
  if (resources.length === 0) return <p className="muted">{t.noSettings}</p>;
  return resources.map(({ kind, name, settings }) => (
    <Panel key={`${kind} ${name}`} title={resourceTitle(kind, name)}>
      <Settings kind={kind} settings={settings} />
    </Panel>
  ));
}

function Settings({ kind, settings }: { kind: string; settings: Resource["settings"] }) {
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">{t.setting}</th>
          <th scope="col">{t.value}</th>
        </tr>
      </thead>
      <tbody>
        {settings.map(({ path, text }) => (
          <tr key={path.join(" ")}>
            <th scope="row">{settingLabel(kind, path)}</th>
            <td>
              <Value text={text} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Value({ text }: { text: string | undefined }) {
  if (text === undefined) return <span className="muted">{t.notSet}</span>;
  return text === "" ? <span className="muted">{t.empty}</span> : <span className={classes.value}>{text}</span>;
}

const isLong = (text: string): boolean => text.includes("\n");
function languageOf(path: string[]): "sql" | "python" | "text" {
  const last = path.at(-1);
  return last === "sql" || last === "query" ? "sql" : last === "code" ? "python" : "text";
}
