/** Texts of the audit log. */
export const t = {
  title: "Audit",
  about: "Who did what, when and from which address.",
  none: "No entry yet",
  noneHint: "Penstock records every change, run and sign-in here.",
  at: "Time",
  who: "Person",
  action: "Action",
  what: "Target",
  from: "Address",
  result: "Result",
  export: (format: string) => `Download ${format}`,
};
