/** The steps of a new destination in the address. */
export const STEPS = ["connector", "credential", "configure"] as const;
export type Step = (typeof STEPS)[number];
export const isStep = (step: unknown): step is Step => STEPS.includes(step as Step);
