#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Long repeats: the races are seen in every run, and the fixes are never accused.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

for run in $(seq 10); do
	"$ONCEPROOF" stress counter/naive/two_increments initialiser/naive/first_use --engine=native --json="$work/native.json" -q
	jq -e '[.results[] | select(.verdict == "bug")] | length == 2' "$work/native.json" >/dev/null || fail "native, run $run"
done
for run in $(seq 20); do
	"$ONCEPROOF" stress 'counter/*/two_increments' 'initialiser/*/first_use' 'progress/*/two_workers' 'pipeline/*' --engine=tsan --json="$work/tsan.json" -q ||
		fail "tsan, run $run: exit status $?"
	# Wherever race_free is missing, a race was reported; wherever it is claimed, none was.
	jq -e '[.results[] | select(.verdict != "skipped") | select((.missing // []) | index("race_free"))
		| select([.findings[].kind] | index("data-race") | not) | .subject] == []' "$work/tsan.json" >/dev/null ||
		fail "tsan, run $run: silent on $(jq -c '[.results[] | select((.missing // []) | index("race_free")) | select([.findings[].kind] | index("data-race") | not) | .subject]' "$work/tsan.json")"
	jq -e '[.results[] | select((.claimed // []) | index("race_free")) | select([.findings[].kind] | index("data-race")) | .subject] == []' \
		"$work/tsan.json" >/dev/null || fail "tsan, run $run: false alarm"
	jq -e '[.results[] | select(.subject | startswith("pipeline/")) | select(.verdict != "skipped")
		| select((.claimed | index("race_free") | not)) | select([.findings[].kind] | index("data-race") | not) | .subject] == []' \
		"$work/tsan.json" >/dev/null || fail "tsan, run $run: a race inside the pipeline was missed"
done
# The cross-checks accuse nobody who is right, except where they declare that they are blind.
"$ONCEPROOF" stress --engine=helgrind,drd 'counter/*' 'initialiser/*/first_use' 'progress/*/two_workers' --json="$work/cross.json" -q ||
	fail "helgrind or drd: exit status $?"
echo "10 of 10 native runs and 20 of 20 tsan runs as stated"
