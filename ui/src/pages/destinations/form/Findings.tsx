/** The check of the whole dataset with the unsaved settings: how many records would be refused, by rule. */
import { Loader } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { DestinationValue } from "@/api/types";
import { keyText, number, Status } from "@/parts";
import { t } from "@/texts/pages/destinations";
import { refusalLine } from "@/texts/refusals";
import classes from "../style.module.css";
import { destinationQueries } from "../queries";

export function Findings({ name, value, ready }: { name: string; value: DestinationValue; ready: boolean }) {
  const query = useQuery(destinationQueries.findings(name, value, ready));
  const found = query.data;
  if (found === undefined)
    return query.isFetching ? (
      <p className="muted">
        <Loader size={12} /> {t.findings.checking}
      </p>
    ) : null;
  if ((found.errors ?? []).length > 0) return null; // the sample panel shows these errors
  const bad = found.refused.reduce((sum, finding) => sum + finding.count, 0);
  return (
    <section className={classes.findings} aria-label={t.findings.title}>
      <p>
        <Status of={bad === 0 ? "ok" : "quarantined"} label={bad === 0 ? t.findings.fine(found.checked) : t.findings.some(bad, found.checked)} />
        {found.records !== null && found.checked < found.records && <span className="muted"> {t.findings.partly(found.checked, found.records)}</span>}
        {query.isFetching && <Loader size={12} ml={8} />}
      </p>
      {found.refused.length > 0 && (
        <ul>
          {found.refused.map((finding, i) => (
            <li key={i}>
              <b className="num">{number(finding.count)}</b>
              <div>
                {refusalLine(finding)}
                {finding.examples.length > 0 && <p>{t.findings.examples(finding.examples.slice(0, 3).map((one) => t.findings.example(keyText(one.key), one.value)))}</p>}
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
