/** The tabs of a dataset that its address can name; records are the first. */
export const TABS = ["columns", "settings"] as const;
export type Tab = (typeof TABS)[number];
