/** The tabs of a dataset in the address; without one, records are shown. */
export const TABS = ["columns", "people", "settings"] as const;
export type Tab = (typeof TABS)[number];
