/** The edit of a held record: only what differs, so that what was not touched stays as it is, byte for byte. */
export type Edit = { changes: Record<string, unknown> } | { record: Record<string, unknown> };

export function editOf(before: Record<string, unknown> | null, after: Record<string, unknown>): Edit {
  if (before === null || Object.keys(before).some((name) => !(name in after))) return { record: after };
  const changed = Object.entries(after).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]));
  return { changes: Object.fromEntries(changed) };
}
