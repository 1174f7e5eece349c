/** What the page of a version shows: what the version changed, what changed since, or all its settings. */
export const VIEWS = ["changes", "since", "settings"] as const;
export type View = (typeof VIEWS)[number];
