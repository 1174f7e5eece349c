import { expect, test } from "vitest";
import type { Problem } from "@/api/types";
import { noteText, placeText, plainText, problemHint, problemText } from "./service";

test("a path of the project file becomes the resource and the label of its setting", () => {
  expect(placeText("sources.crm.cursor.overlap")).toBe("source crm › Overlap");
  expect(placeText("destinations.people.fields.email.default")).toBe("destination people › Fields › email › Default");
  expect(placeText("destinations.people.fuss")).toBe("destination people › fuss");
  expect(placeText("sources.crm")).toBe("source crm");
  expect(placeText("mode")).toBe("mode");
  expect(placeText("")).toBe("");
});

test("a command in a reason becomes the button or page that does the same", () => {
  expect(plainText("credentials.shut: refused — see `penstock check shut`")).toContain("see Check on the page of the credential shut");
  expect(plainText("20 of 183 delivered keys are more than the share of 0.05; `--allow-deletes a5edd23885ee3400` deletes exactly these")).toBe("20 of 183 delivered keys are more than the share of 0.05; approve them on the page of the destination");
  expect(plainText("people is a draft: `active: false` in the project file")).toBe("people is a draft");
  expect(plainText("penstock run people --from start reads them again; what is unchanged is not sent")).toBe("Read again in the menu of people reads them again; what is unchanged is not sent");
  expect(plainText("it is not there; if this is intended: `penstock schema crm --refresh`")).toBe("it is not there; if this is intended: Detect again on the page of the dataset crm");
});

const problem = (code: string, path: string, message = "", hint = ""): Problem => ({ code, path, message, hint });
const hintText = (hint?: string): string => problemHint({ code: "wrong-value", path: "", message: "", ...(hint !== undefined && { hint }) });

test("a problem whose hint names commands has a hint by its code and path", () => {
  expect(problemHint(problem("credential-refused", "credentials.acme.api_key", "", "see `penstock check acme`"))).toBe("give it a key that may do this, then press Check on the page of the credential acme");
  expect(problemHint(problem("not-active", "destinations.people.active", "", "look at `penstock plan people`, then `penstock activate people`"))).toBe("look at the page of people, then press Activate");
  expect(problemHint(problem("not-active", "flows.nightly", "", "resume the flow"))).toBe("resume the flow");
  expect(problemHint(problem("missing-key", "credentials.acme.api_key", "", "run `penstock credential set acme`"))).toBe("store a key on the page of the credential acme");
  expect(problemHint(problem("missing-key", "credentials.acme.base_url", "", "give a URL"))).toBe("give a URL");
  expect(problemHint(problem("unknown-id", "quarantine", "", "penstock quarantine list shows the ids"))).toBe("see the page Quarantine");
});

test("a problem whose message is about the project file has a message by its code and path", () => {
  expect(problemText(problem("key-in-file", "credentials.acme.api_key", "the project file already says where the key of acme comes from"))).toBe("the settings already say where the key comes from");
  expect(problemText(problem("key-in-file", "sources.app.secret", "the settings of app already name its secret"))).toBe("the settings of app already name its secret");
  expect(problemText(problem("literal-secret", "credentials.acme.api_key"))).toBe("the key is written in the settings; this is only allowed with a loopback Base URL");
  expect(problemText(problem("literal-secret", "sources.app.secret"))).toBe("the secret is written in the settings");
});

test("a hint that only the command line can follow is not shown", () => {
  expect(hintText("write ${env:NAME} or ${file:PATH}, or remove `api_key`")).toBe("");
  expect(hintText("`penstock backup FILE`, every day")).toBe("");
  expect(hintText("a relative path starts at the project file")).toBe("");
  expect(hintText()).toBe("");
});

test("a text about the project file is about the settings", () => {
  expect(plainText("given in the project file")).toBe("given in the settings");
});

test("a setting in a sentence has its label", () => {
  expect(plainText("`mode: mirror` is not available yet")).toBe("Records to send: mirror is not available yet");
  expect(plainText("`url` is missing, and `nonsense` is not known")).toBe("URL is missing, and `nonsense` is not known");
  expect(hintText("use `company_link: add`")).toBe("use When a person changes company: add");
});

test("a hint without backticks has the labels too, and none has lists or mappings of a project file", () => {
  expect(hintText("use company_link: add")).toBe("use When a person changes company: add");
  expect(hintText("exclude: [email]")).toBe("");
  expect(hintText("write email: COLUMN, or email: {value: x}")).toBe("");
  expect(hintText("did you mean plan? the columns are id, plan")).toBe("did you mean plan? the columns are id, plan");
});

test("a note says what was changed", () => {
  expect(noteText({ action: "left out", reason: "excluded in this destination" })).toBe("excluded in this destination");
  expect(noteText({ action: "cut", reason: "longer than 255 characters", count: 1200 })).toBe("cut (1,200): longer than 255 characters");
});
