// The shapes of the API: the OpenAPI document of the Python package, as TypeScript → src/api/schema.ts
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));
const own = `${root}/.venv/bin/python`;
const python = process.env.PENSTOCK_PYTHON ?? (existsSync(own) ? own : "python3");
const said = execFileSync(python, ["tests/support/docs/openapi_document.py"], { cwd: root, encoding: "utf-8", maxBuffer: 64_000_000 });
const { digest, document } = JSON.parse(said);
const whole = astToString(await openapiTS(document));
const begin = whole.indexOf("export interface components {");
const made = whole.slice(begin, whole.indexOf("\n}\n", begin) + 3).replace(/^ *\/\*\*[^]*?\*\/\n/gm, "");
const head = `// Made of the API's own description by \`npm run api\`; a test looks that it is in step with ${digest}\n`;
writeFileSync(new URL("../src/api/schema.ts", import.meta.url), head + made);
