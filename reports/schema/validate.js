// SPDX-License-Identifier: MIT
// Holds SARIF logs against the 2.1.0 schema. Usage: NODE_PATH=DIR/node_modules node validate.js FILE...
// Prints "FILE: N results" for each that is valid; exit status 1 as soon as one is not.
"use strict";
const fs = require("fs");
const path = require("path");
const Ajv = require("ajv");

// The package exports no schema: its file is named.
const home = path.dirname(require.resolve("@microsoft/jest-sarif/package.json"));
const schema = JSON.parse(fs.readFileSync(path.join(home, "lib", "schemas", "sarif-2.1.0-rtm.5.json"), "utf8"));
const ajv = new Ajv({ schemaId: "auto", allErrors: true, format: "full" });
ajv.addMetaSchema(require("ajv/lib/refs/json-schema-draft-04.json"));
const valid = ajv.compile(schema);

for (const file of process.argv.slice(2)) {
	const log = JSON.parse(fs.readFileSync(file, "utf8"));
	if (!valid(log)) {
		for (const error of valid.errors.slice(0, 20))
			console.error(`${file}: ${error.dataPath || "/"} ${error.message}`);
		process.exit(1);
	}
	console.log(`${file}: ${log.runs.reduce((sum, run) => sum + run.results.length, 0)} results`);
}
