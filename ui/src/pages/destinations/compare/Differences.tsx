/** The differences by field, those of the chosen field by record, and lists of keys. */
import { Button, Group } from "@mantine/core";
import { useMemo, useState } from "react";
import type { ComparisonReport, Difference } from "@/api/types";
import { type Col, DataTable, Key, Panel } from "@/parts";
import { t } from "@/texts/pages/comparison";

const SHOWN_KEYS = 100;
const ROW_PX = 38;
const MOST_ROWS = 12;

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value ?? null));

const COLUMNS: Col<Difference>[] = [
  { id: "key", header: t.key, cell: (row) => <Key value={row.key} />, by: (row) => JSON.stringify(row.key) },
  { id: "ours", header: t.ours, cell: (row) => <span className="mono">{shown(row.ours)}</span>, by: (row) => shown(row.ours) },
  { id: "theirs", header: t.theirs, cell: (row) => <span className="mono">{shown(row.theirs)}</span>, by: (row) => shown(row.theirs) },
];

/** `counts` are the differences by field, of which `differs` may be the first only. */
export function Differences({ differs, counts }: { differs: Difference[]; counts: Record<string, number> }) {
  const fields = useMemo(() => byField(differs), [differs]);
  const [chosen, setChosen] = useState<string | null>(null);
  const field = fields.find(([name]) => name === chosen) ?? fields[0];
  if (field === undefined) return null;
  const [name, rows] = field;
  return (
    <Panel title={t.fields} label={t.fields}>
      <Group gap="xs" mb="sm">
        {fields.map(([each, some]) => (
          <Button key={each} size="xs" variant={each === name ? "filled" : "default"} aria-pressed={each === name} onClick={() => setChosen(each)}>
            {t.field(each, counts[each] ?? some.length)}
          </Button>
        ))}
      </Group>
      <DataTable label={t.field(name, counts[name] ?? rows.length)} rows={rows} columns={COLUMNS} rowKey={(row) => JSON.stringify(row.key)} height={(Math.min(rows.length, MOST_ROWS) + 1) * ROW_PX + 2} />
    </Panel>
  );
}

/** The fields with their differences, the most frequent first. */
function byField(differs: Difference[]): [string, Difference[]][] {
  const fields = new Map<string, Difference[]>();
  for (const each of differs) {
    const known = fields.get(each.field);
    if (known === undefined) fields.set(each.field, [each]);
    else known.push(each);
  }
  return [...fields].sort((a, b) => b[1].length - a[1].length);
}

/** `count` is the number of all keys, of which `keys` may be the first only. */
export function Keys({ title, hint, keys, count }: { title: string; hint: string; keys: ComparisonReport["missing"]; count: number }) {
  if (keys.length === 0) return null;
  return (
    <Panel title={title} label={title}>
      <p className="muted" style={{ marginTop: 0 }}>
        {hint}
      </p>
      <Group component="ul" gap="sm" p={0} m={0} style={{ listStyle: "none" }}>
        {keys.slice(0, SHOWN_KEYS).map((key) => (
          <li key={JSON.stringify(key)}>
            <Key value={key} />
          </li>
        ))}
        {count > SHOWN_KEYS && <li className="muted">{t.more(count - SHOWN_KEYS)}</li>}
      </Group>
    </Panel>
  );
}
