/** The token in `#token=…`; empty when there is none. */
export const tokenOf = (hash: string): string => new URLSearchParams(hash.replace(/^#/, "")).get("token") ?? "";
/** The name of the user that the link is for: `#token=…&name=…`. */
export const nameOf = (hash: string): string => new URLSearchParams(hash.replace(/^#/, "")).get("name") ?? "";
