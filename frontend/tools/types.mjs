// Writes src/data/schema.d.ts from the backend's OpenAPI document; with --check it only says whether the file is current.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));
const file = fileURLToPath(new URL("../src/data/schema.d.ts", import.meta.url));
const python = process.env.MASKMILL_PYTHON ?? `${root}.venv/bin/python`;

const schema = JSON.parse(execFileSync(python, ["-m", "backend.openapi"], { cwd: root, maxBuffer: 64 * 1024 * 1024 }));
const header = "/* Written by `npm run types` from the backend's OpenAPI document; do not edit. */\n\n";
const text = header + astToString(await openapiTS(schema, { defaultNonNullable: false }));

if (!process.argv.includes("--check")) {
  writeFileSync(file, text);
} else if (readFileSync(file, "utf8") !== text) {
  process.stderr.write("src/data/schema.d.ts is out of date: run `npm run types` in frontend/.\n");
  process.exit(1);
}
