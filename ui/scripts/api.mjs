// Writes src/api/schema.ts: the shapes of the API from its OpenAPI document, and the settings of a resource from the JSON
// Schema of the project file. A test compares the digest in its first line.
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));
const own = `${root}/.venv/bin/python`;
const python = process.env.PENSTOCK_PYTHON ?? (existsSync(own) ? own : "python3");
const output = execFileSync(python, ["tests/support/docs/openapi_document.py"], { cwd: root, encoding: "utf-8", maxBuffer: 64_000_000 });
const { digest, document, settings } = JSON.parse(output);

const NAMES = { credentials: "CredentialSettings", sources: "SourceSettings", datasets: "DatasetSettings", destinations: "DestinationSettings", flows: "FlowSettings" };

/** The schema as the pages write settings: one spelling of a value where YAML knows several, nothing required that has a default. */
function plain(schema) {
  if (Array.isArray(schema)) return schema.map(plain);
  if (typeof schema !== "object" || schema === null) return schema;
  if (JSON.stringify(schema.type) === '["string","number"]') return { type: "string" };
  if (schema.enum?.includes("yes")) return { type: "boolean" };
  if (schema.enum?.some((word) => typeof word === "boolean")) return { enum: schema.enum.filter((word) => typeof word === "string") };
  const { default: _, properties, ...kept } = schema;
  if (properties === undefined) return mapped(kept);
  for (const key of ["oneOf", "anyOf", "allOf"]) delete kept[key]; // rules between settings
  return { ...mapped(kept), properties: mapped(properties) };
}
const mapped = (schemas) => Object.fromEntries(Object.entries(schemas).map(([key, item]) => [key, plain(item)]));
for (const [kind, schema] of Object.entries(settings)) document.components.schemas[NAMES[kind]] = plain(schema);

const whole = astToString(await openapiTS(document));
const begin = whole.indexOf("export interface components {");
const made = whole.slice(begin, whole.indexOf("\n}\n", begin) + 3).replace(/^ *\/\*\*[^]*?\*\/\n/gm, "");
const head = `// Generated from the OpenAPI document by \`npm run api\`; a test compares ${digest}\n`;
writeFileSync(new URL("../src/api/schema.ts", import.meta.url), head + made);
