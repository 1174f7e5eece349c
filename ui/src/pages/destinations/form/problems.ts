/** Where the form of a destination shows a problem: at its field, or in a list when it has no field. */
import type { Problem } from "@/api/types";

const FIELDS = ["path", "append", "attributes", "exclude", "concurrency", "batch", "batch.size", "batch.max_bytes", "grouping.property", "grouping.other_props", "grouping.code", "request.url", "request.headers", "request.idempotency", "request.idempotency.header", "request.idempotency.value", "request.settle.url", "request.settle.found", "new_columns", "company_link", "identity", "on_unknown", "settle_after", "confirm_timeout"];
const FIELD = /\.fields\.[^.]+(\.(column|truncate))?$/;
const OWN = /^destinations\.[^.]+\.?/;

const hasField = (path: string): boolean => FIELDS.some((field) => path.endsWith(`.${field}`)) || FIELD.test(path);

/** The problems without a field, with their place in the words of the form. */
export function withoutField(problems: Problem[]): Problem[] {
  return problems.filter(({ path }) => !hasField(path)).map((problem) => ({ ...problem, path: problem.path.replace(OWN, "") }));
}
