/** A name that is not taken: `people`, `people-2`. Characters that a name must not have become hyphens. */
export function freeName(wished: string, taken: string[], otherwise = "destination"): string {
  const base = wished.trim().replace(/[\s./\\]+/g, "-").replace(/^-+|-+$/g, "") || otherwise;
  if (!taken.includes(base)) return base;
  let n = 2;
  while (taken.includes(`${base}-${n}`)) n += 1;
  return `${base}-${n}`;
}

/** A file's name without folders and extensions: `data/2026 contacts.csv.gz` → `2026 contacts`. */
export function stem(path: string): string {
  const last = path.split(/[/\\]/).at(-1) ?? "";
  return last.replace(/\.gz$/i, "").replace(/\.[a-z]{2,7}$/i, "").replace(/[*?[\]]+/g, "");
}
