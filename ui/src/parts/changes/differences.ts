/** The differences between two documents, by the path of each leaf. */
export interface Difference {
  path: string;
  /** Undefined: not set. */
  theirs: unknown;
  mine: unknown;
}

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

export function differences(theirs: unknown, mine: unknown, path = ""): Difference[] {
  if (isMap(theirs) && isMap(mine)) {
    const names = [...new Set([...Object.keys(theirs), ...Object.keys(mine)])];
    return names.flatMap((name) => differences(theirs[name], mine[name], path === "" ? name : `${path}.${name}`));
  }
  return JSON.stringify(theirs) === JSON.stringify(mine) ? [] : [{ path, theirs, mine }];
}
