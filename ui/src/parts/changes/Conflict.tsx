/** Two users changed the same settings: both values of each setting that differs. */
import { t } from "@/texts/shell";
import classes from "./Conflict.module.css";
import { differences } from "./differences";
import { cellText } from "../values/format";

const MOST = 12;

interface Props {
  theirs: unknown;
  mine: unknown;
  /** What the form calls the setting at this path, such as "batch.size". */
  label: (path: string) => string;
}
export function Conflict({ theirs, mine, label }: Props) {
  const found = differences(theirs, mine);
  if (found.length === 0) return <p>{t.change.same}</p>;
  return (
    <>
      <p>{t.change.staleHint}</p>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">{t.change.setting}</th>
            <th scope="col">{t.change.theirs}</th>
            <th scope="col">{t.change.mine}</th>
          </tr>
        </thead>
        <tbody>
          {found.slice(0, MOST).map((one) => (
            <tr key={one.path}>
              <th scope="row">
                {label(one.path)}
              </th>
              <td>
                <SettingValue value={one.theirs} />
              </td>
              <td>
                <SettingValue value={one.mine} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {found.length > MOST && <p className="muted">{t.change.more(found.length - MOST)}</p>}
    </>
  );
}

function SettingValue({ value }: { value: unknown }) {
  return value === undefined ? <span className="muted">{t.change.absent}</span> : <span className="mono">{cellText(value)}</span>;
}
