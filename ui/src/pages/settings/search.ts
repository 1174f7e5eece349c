/** The tabs of the settings, as the address names them. */
export const TABS = ["people", "tokens", "alerts", "retention", "account"] as const;
export type Tab = (typeof TABS)[number];
