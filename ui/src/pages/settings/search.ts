/** The tabs of the settings in the address. */
export const TABS = ["people", "tokens", "alerts", "retention", "account"] as const;
export type Tab = (typeof TABS)[number];
