import { expect, test } from "vitest";
import { freeName, stem } from "./names";

test("a taken name gets the next free number", () => {
  expect(freeName("people", [])).toBe("people");
  expect(freeName("people", ["people", "people-2"])).toBe("people-3");
});
test("separators become one hyphen, and an empty name becomes the given word", () => {
  expect(freeName(" my file.v2 ", [])).toBe("my-file-v2");
  expect(freeName("  ", [], "source")).toBe("source");
});
test("the stem of a file is its name without folder, glob and extensions", () => {
  expect(stem("data/contacts.csv.gz")).toBe("contacts");
  expect(stem("C:\\exports\\Accounts.parquet")).toBe("Accounts");
  expect(stem("Q3 john.smith.xlsx")).toBe("Q3 john.smith");
  expect(stem("in/events-*.ndjson")).toBe("events-");
});
