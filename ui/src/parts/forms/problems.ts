/** Finds the place in a text that an error of the API names: "line 2, column 14 of the SQL: …" or "line 3 (the line): …". */
import type { Problem } from "@/api/types";
import { problemText } from "@/texts/service";
import type { LineError } from "../code/editor";

const PLACE = /\bline (\d+)(?:, column (\d+))?/;

/** The error at its line; without a place, at the first line. */
export function placed(message: string): LineError {
  const found = PLACE.exec(message);
  const words = message.split("\n")[0] ?? message;
  return { line: Number(found?.[1] ?? 1), ...(found?.[2] !== undefined && { column: Number(found[2]) }), message: words };
}

/** The problems of one setting, at their lines. */
export function placedOf(problems: Problem[], key: string): LineError[] {
  return problems.filter((problem) => problem.path.split(".").at(-1) === key).map((problem) => placed(problem.message));
}

/** The message of the problem whose path ends with one of these keys ("url", "rate_limit.per"), for the field that shows it. */
export function messageAt(problems: Problem[], ...keys: string[]): string | undefined {
  const found = problems.find((problem) => keys.some((key) => problem.path === key || problem.path.endsWith(`.${key}`)));
  return found && problemText(found);
}

/** The problems of other settings. */
export function elsewhere(problems: Problem[], ...keys: string[]): Problem[] {
  return problems.filter((problem) => !keys.includes(problem.path.split(".").at(-1) ?? ""));
}
