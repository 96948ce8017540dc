#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# SARIF logs of real runs and of hostile reports are valid: against the schema of version 2.1.0, or, with the argument "multitool", by the
# validator that code-scanning services use. Schema and validators are npm packages, pinned in reports/schema.
# shellcheck disable=SC2317 # valid is called by run
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
onceproof=${ONCEPROOF:?}
[[ ${1:-schema} == multitool ]] && packages=$ONCEPROOF_SOURCE/reports/schema/multitool || packages=$ONCEPROOF_SOURCE/reports/schema
store=${ONCEPROOF_BUILD:?}/npm-${1:-schema}
for tool in npm node; do
	command -v $tool >/dev/null || { echo "no $tool (the launcher installs it: ./onceproof test)"; exit 77; }
done

# Installed once for a build folder and a lock file; what is there is whole.
if ! cmp -s "$packages/package-lock.json" "$store/package-lock.json"; then
	rm -rf "$store.new" "$store"
	mkdir -p "$store.new"
	cp "$packages"/package.json "$packages"/package-lock.json "$store.new"
	if ! (cd "$store.new" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier) >"$scratch/npm" 2>&1; then
		cat "$scratch/npm"
		[[ -z ${ONCEPROOF_NO_INSTALL:-} ]] || { echo "the packages of $packages are not here, and may not be installed"; exit 77; }
		echo "FAILED: npm ci in $packages: is the network there? ONCEPROOF_NO_INSTALL=1 skips this test"
		exit 1
	fi
	mv "$store.new" "$store"
fi

# valid FILE...: every one is. Says why not.
if [[ ${1:-} == multitool ]]; then
	tool=$store/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
	chmod u+x "$tool"
	valid() {
		local file
		for file in "$@"; do
			DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$tool" validate "$file" --rule-kind 'Sarif;Ghas' --level 'Error;Warning' \
				--output findings.sarif --log ForceOverwrite
			# Only these are not for us: no home page to name.
			if ! jq -e '[.runs[].results // [] | .[] | select(.ruleId != "SARIF2005")] | length == 0' findings.sarif; then
				jq -c '.runs[].results[] | [.level, .ruleId, .message.id, .message.arguments]' findings.sarif | head -20
				return 1
			fi
		done
		return 0
	}
else
	valid() {
		NODE_PATH=$store/node_modules node "$ONCEPROOF_SOURCE/reports/schema/validate.js" "$@"
	}
fi

cd "$scratch" || exit 1
mkdir work && cd work || exit 1
cat >race.c <<'END'
#include <pthread.h>
#include <stdio.h>

static int ready, value;

static void *writer(void *arg)
{
	value = 42;
	ready = 1;
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, writer, NULL);
	if (ready)
		printf("%d\n", value);
	pthread_join(thread, NULL);
	return 0;
}
END
logs=()
if [[ -e ${onceproof%/bin/*}/libexec/onceproof/explore_program.o ]]; then
	run "$onceproof" explore race.c --seed 1 -q --sarif race.sarif --json race.json
	expect_status 1
	expect "two results" jq -e '.runs[0].results | length == 2' race.sarif
	expect "no path of this machine" [ "$(grep -cF "$scratch" race.sarif)" -eq 0 ]
	run "$onceproof" explore counter/naive initialiser/naive --seed 1 -q --sarif laboratory.sarif --witness none
	expect_status 0
	expect "results for information" jq -e '.runs[0].results | length > 10 and all(.level == "note")' laboratory.sarif
	logs+=(race.sarif laboratory.sarif)

	# What moves keeps its fingerprint, whatever the seed; what is changed is another finding.
	prints() {
		jq -r '[.results[].findings[].fingerprint] | sort | .[]' "$1"
	}
	{ printf '/* moved */\n\n\n'; sed 's/\tvalue = 42;/\t\tvalue  =  42;/' race.c; } >moved && mv moved race.c
	run "$onceproof" explore race.c --seed 99 -q --json moved.json
	expect "the same fingerprints" diff <(prints race.json) <(prints moved.json)
	sed -i 's/value  =  42;/value = 43;/' race.c
	run "$onceproof" explore race.c --seed 1 -q --json changed.json
	expect "one of them is another" [ "$(comm -12 <(prints race.json) <(prints changed.json) | wc -l)" -eq 1 ]
fi

# Reports by hand: nothing at all, everything that hurts, more than a log holds.
python3 - <<'END'
import json
hostile = "]]> </script> ::error::x %0A \u2028 \"'<&> \u00fc \U0001f600 {0} [x](y)"
def report(findings, **more):
    return dict({"schema": "onceproof/1", "host": {"onceproof": "0.1.0"}, "seed": 1, "partial": False, "contracts": [], "batches": [],
        "benchmarks": {"context": {}, "benchmarks": []}, "results": [{"subject": "a b.c", "scenario": "program", "engine": "explore",
        "compiler": "gcc", "verdict": "bug", "expected": "clean", "as_expected": False, "findings": findings, "outcomes": [],
        "executions": 3, "evidence": hostile}]}, **more)
def place(file, line):
    return {"file": file, "line": line, "function": hostile, "thread": "T1", "access": hostile, "source": hostile}
def step(number, file, line):
    return {"step": number, "thread": "T%d" % (number % 3), "file": file, "line": line, "function": "f", "source": hostile,
        "operation": "write", "where": hostile, "read": None, "written": hostile, "note": hostile, "stale": True, "switch": True}
def finding(i, files):
    return {"kind": "data-race", "message": "%d %s" % (i, hostile), "refutes": ["race_free"], "locations": [place(f, i) for f in files],
        "interleaving": [step(n, f, n) for n, f in enumerate(files)], "replay": hostile, "baseline": "new", "fixes": [{"change": hostile,
        "edits": [{"file": "x.c", "line": 3, "change": hostile}], "verdict": "proved", "executions": 3, "evidence": hostile}]}
names = ["a b.c", "a:b.c", "100%.c", "\u00fc/\u65e5\u672c.c", "new\nline.c", "/usr/include/x.h", "../../up.c", "#?&.c", "C:\\x.c"]
open("nothing.json", "w").write(json.dumps(report([])))
open("hostile.json", "w").write(json.dumps(report([finding(1, [n, names[0]]) for n in names] + [finding(0, []), finding(7, names),
    dict(finding(9, names[:1]), kind=hostile)], partial=True, checks=[{"subject": "a b.c", "compiler": "gcc", "verdict": "bug",
    "vanished": [{"fingerprint": "leak:0123456789abcdef", "kind": "leak", "message": hostile}]}])))
open("many.json", "w").write(json.dumps(report([dict(finding(i, names[:2]), message=str(i)) for i in range(1, 5100)])))
END
for name in nothing hostile many; do
	run "$onceproof" merge $name.json --sarif $name.sarif -q
	expect "a log of $name" [ -s $name.sarif ]
	logs+=("$name.sarif")
done
expect "an end" jq -e '.runs[0].results | length == 5000' many.sarif
expect "a word about the rest" jq -e '.runs[0].invocations[0].toolExecutionNotifications | any(.message.text | startswith("99 more"))' many.sarif
for log in "${logs[@]}"; do
	run valid "$log"
	expect_status 0
done

# The validator itself sees what is wrong.
jq '.runs[0].results[0].locations[0].physicalLocation.region.startLine = 0' hostile.sarif >wrong.sarif
run valid wrong.sarif
expect "a wrong line is refused" [ $status -ne 0 ]
finish
