/** The project of a version: as it was, against the version before it, or against what is the truth now. */
export const VIEWS = ["then", "before", "now"] as const;
export type View = (typeof VIEWS)[number];
