import { expect, test } from "vitest";
import { hintText, noteText, placeText, plainText } from "./service";

test("a path of the project file becomes the resource and the label of its setting", () => {
  expect(placeText("sources.crm.cursor.overlap")).toBe("source crm › Overlap");
  expect(placeText("destinations.people.fields.email.default")).toBe("destination people › Fields › email › Default");
  expect(placeText("destinations.people.fuss")).toBe("destination people › fuss");
  expect(placeText("sources.crm")).toBe("source crm");
  expect(placeText("mode")).toBe("mode");
  expect(placeText("")).toBe("");
});

test("a command becomes the button or page that does the same", () => {
  expect(plainText("credentials.shut: refused — see `penstock check shut`")).toContain("see Check on the page of the credential shut");
  expect(hintText("give it a key that may do this, then `penstock check acme`")).toBe("give it a key that may do this, then Check on the page of the credential acme");
  expect(plainText("people is a draft: `active: false` in the project file")).toBe("people is a draft");
  expect(hintText("look at `penstock plan people`, then write `active: true`")).toBe("look at the page of people, then press Activate");
  expect(hintText("penstock run people --from start reads them again; what is unchanged is not sent")).toBe("Read again in the menu of people reads them again; what is unchanged is not sent");
});

test("a hint that only the command line can follow is not shown", () => {
  expect(hintText("write ${env:NAME} or ${file:PATH}, or remove `api_key`")).toBe("");
  expect(hintText("`penstock backup FILE`, every day")).toBe("");
  expect(hintText("a relative path starts at the project file")).toBe("");
  expect(hintText(undefined)).toBe("");
});

test("a sentence about the project file is about the settings", () => {
  expect(plainText("people is a draft: `active: false` in the project file")).toBe("people is a draft");
  expect(plainText("the project has `active: false` for people, which overrides this activation")).toBe("Active is off in the settings of people");
  expect(plainText("the project file already says where the key of acme comes from")).toBe("the settings already say where the key of acme comes from");
  expect(plainText("the key is written in the file; this is only allowed with a loopback `base_url`")).toBe("the key is written in the settings; this is only allowed with a loopback Base URL");
  expect(plainText("the secret is written in the file")).toBe("the secret is written in the settings");
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
