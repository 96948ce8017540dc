#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# action.yml, its steps run as a runner runs them, on the third project's bugs and fixes. The program is the built one, on PATH.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
[[ -x $ONCEPROOF_BUILD/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }
python=python3
"$python" -c 'import yaml' 2>/dev/null || python=/usr/bin/python3
"$python" -c 'import yaml' 2>/dev/null || { echo "python3-yaml is not installed"; exit 77; }

mkdir "$scratch/work space" "$scratch/bin" && cd "$scratch/work space" || exit 1
cp -r "$ONCEPROOF_SOURCE/examples/project" project
ln -s "$ONCEPROOF" "$scratch/bin/onceproof"
export PATH="$scratch/bin:$PATH" GITHUB_WORKSPACE=$PWD GITHUB_STEP_SUMMARY=$scratch/summary.md XDG_CACHE_HOME=$scratch/cache
unset ONCEPROOF_PRESET

# action NAME=VALUE...: with the installed program.
action() {
	: >"$GITHUB_STEP_SUMMARY"
	run "$python" "$ONCEPROOF_SOURCE/packaging/run_action.py" "$ONCEPROOF_SOURCE/action.yml" install=path "$@"
}
outputs() {
	sed -n '/^outputs:$/,$p' "$scratch/out"
}
# has EXPRESSION FILE: does the expression hold of the JSON?
has() {
	jq -e "$@" >/dev/null
}

# --- a bug: red, with annotations, a summary and results
action files=$'project/checks/first_use.c\n  project/before/words.c' flags="-Iproject -O2" budget=20
expect_status 1
expect "outputs" diff <(outputs) - <<<$'outputs:\nverdict=bug\nsarif=onceproof-results/check.sarif\njson=onceproof-results/check.json'
expect_out "::error file=project/before/words.c,line="
expect "a summary" grep -q 'project/checks/first' "$GITHUB_STEP_SUMMARY"
expect "SARIF" has '.version == "2.1.0" and (.runs[0].results | length) > 0' onceproof-results/check.sarif
expect "JUnit" grep -q '<testsuite' onceproof-results/check.xml

# --- its fix: green. And the bug is what was expected, or is known.
action files=$'project/checks/first_use.c\nproject/after/words.c' flags=-Iproject output="results of mine"
expect_status 0
expect "outputs" grep -q '^verdict=proved$' <(outputs)
expect "the folder asked for" test -f "results of mine/check.sarif"
action files=$'project/checks/first_use.c\nproject/before/words.c' flags=-Iproject expect=bug
expect_status 0
cp onceproof-results/check.json known.json
action files=$'project/checks/first_use.c\nproject/before/words.c' flags=-Iproject baseline=known.json
expect_status 0
expect "outputs" grep -q '^verdict=' <(outputs)

# --- programs of one file each, by a pattern; the worst decides
mkdir separate
printf 'int main(void) { return 0; }\n' >"separate/a clean one.c"
cat project/checks/counting.c project/before/progress.c | sed 's/#include "progress.h"/#include <project\/progress.h>/' >separate/counting.c
action files="separate/*.c" separately=true flags="-I."
expect_status 1
expect "outputs" grep -q '^verdict=bug$' <(outputs)
expect "one SARIF file for all" has '.runs | length == 1' onceproof-results/check.sarif

# --- nothing in an input is run, or read as an option or output
action files='$(touch ran); `touch ran` "; touch ran; #' flags='$(touch ran)'
expect_status 2
expect_out "matches nothing"
expect "verdict" grep -qx 'verdict=' <(outputs)
action files=$'project/checks/first_use.c\nproject/after/words.c' flags='-Iproject -DX=$(touch${IFS}ran) ;touch ran' arguments='$(touch ran)'
expect_status 2
expect "verdict" grep -qx 'verdict=error' <(outputs)
printf 'int main(void) { return 0; }\n' >-o.c
action files='-o.c'
expect_status 0
expect "nothing may have been run" test ! -e ran
action files=project/checks/first_use.c expect=maybe
expect_status 2
expect_err "--expect"
action files=project/checks/first_use.c output=$'a\nverdict=proved'
expect_status 2

# --- ways to install
run "$python" "$ONCEPROOF_SOURCE/packaging/run_action.py" "$ONCEPROOF_SOURCE/action.yml" install=nonsense files=-o.c
expect_status 2
expect_out "neither build, path nor"
run "$python" "$ONCEPROOF_SOURCE/packaging/run_action.py" "$ONCEPROOF_SOURCE/action.yml" install=missing.deb files=-o.c
expect_status 2
expect_out "there is no such file"
# Building goes through the launcher of the action's own tree: a stub stands in for it.
mkdir -p "$scratch/tree/packaging"
cp "$ONCEPROOF_SOURCE/action.yml" "$scratch/tree" && cp "$ONCEPROOF_SOURCE/packaging/action.sh" "$scratch/tree/packaging"
ln -s "$ONCEPROOF" "$scratch/tree/onceproof"
run "$python" "$ONCEPROOF_SOURCE/packaging/run_action.py" "$scratch/tree/action.yml" files=-o.c
expect_status 0
expect "outputs" grep -q '^verdict=proved$' <(outputs)
finish
