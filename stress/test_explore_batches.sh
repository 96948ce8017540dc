#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Small batches of the pipeline in the explorer: wrong parts are found, right ones stay clean, one seed gives one answer. ONCEPROOF names
# the program.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
# A result of $work/all.json must satisfy a condition.
holds() { jq -e --arg s "pipeline/$1" "[.results[] | select(.subject == \$s)] | length == 1 and (.[0] | $2)" "$work/all.json" >/dev/null || fail "$1: not $2"; }
outcome() { echo "any(.outcomes[]; .label == \"$1\" and .count > 0)"; }

# Every implementation once, beside parts that are right. A thread that went round a loop may not be given what it read before its news:
# monotone would tell an old sum of shards as the last.
"$ONCEPROOF" stress 'pipeline/*' --engine=explore --effort=0.2 --seed=1 --witness="$work/witness" --json="$work/all.json" -q || fail "exit status $?"
if jq -e 'all(.results[]; .verdict == "skipped")' "$work/all.json" >/dev/null; then
	jq -r '.results[0].evidence' "$work/all.json"
	exit 77
fi
jq -e '.results | length > 25' "$work/all.json" >/dev/null || fail "not every implementation has a batch"
jq -r '.results[] | select(.as_expected != true and .verdict != "skipped" and .expected == "clean") | .subject' "$work/all.json" >"$work/accused"
[ ! -s "$work/accused" ] || fail "accused: $(cat "$work/accused")"
# What is skipped says why, and that is never a call that the explorer does not control.
jq -e 'all(.results[]; .limits // "" | contains("outside of its control") | not)' "$work/all.json" >/dev/null || fail "calls outside of the explorer's control"
jq -e 'all(.results[] | select(.verdict == "skipped"); .evidence | contains("inline assembly"))' "$work/all.json" >/dev/null || fail "skipped for another reason"

holds naive+atomic+monotone "$(outcome 'not one model')"
holds naive+atomic+monotone 'any(.findings[]; .kind == "forbidden-outcome" and .refutes == ["model_loaded_once"])'
holds naive+atomic+monotone 'any(.findings[]; .kind == "data-race" and any(.locations[]; .file == "impl/initialiser/10_naive.c"))'
holds double_checked_relaxed+atomic+monotone "$(outcome 'half-built model')"
holds double_checked_relaxed+atomic+monotone 'any(.findings[]; .kind == "data-race" and any(.locations[]; .file == "impl/pipeline/model.c"))'
holds atomic+naive+monotone 'any(.findings[]; .kind == "forbidden-outcome" and .refutes == ["totals_add_up"])'
holds atomic+naive+monotone 'any(.findings[]; .kind == "data-race" and any(.locations[]; .file == "impl/counter/10_naive.c"))'
holds atomic+load_store+monotone 'any(.findings[]; .kind == "forbidden-outcome" and .refutes == ["totals_add_up"]) and all(.findings[]; .kind != "data-race")'
holds atomic+atomic+after_increment "$(outcome 'told wrong') and .verdict == \"not-found\""
holds atomic+atomic+plain_global "$(outcome 'told wrong') and any(.findings[]; .kind == \"data-race\" and any(.locations[]; .file == \"impl/progress/10_plain_global.c\"))"
holds atomic+atomic+monotone '.verdict == "not-found" and .outcomes[0].count == .executions'

# A witness of a batch repeats it.
"$ONCEPROOF" replay "$work"/witness/pipeline-naive-atomic-monotone-batch-forbidden-outcome-*.json >"$work/replay" || fail "replay: exit status $?"
grep -q '^Reproduced' "$work/replay" || fail "the witness does not repeat the batch"

# The same seed, two at once: the same answer.
for i in 1 2; do
	"$ONCEPROOF" explore 'pipeline/*naive*monotone/batch' --budget=500 --seed=7 --jobs="$i" --witness="$work/w$i" --json="$work/again$i.json" -q || fail "again: exit status $?"
done
jq -e '[.results[].verdict] == ["bug", "bug"]' "$work/again1.json" >/dev/null || fail "naive is not found again"
seedless() { jq 'del(.host, .results[].seconds, .results[].peak_bytes) | walk(if type == "object" then del(.replay, .witness) else . end)' "$1"; }
diff <(seedless "$work/again1.json") <(seedless "$work/again2.json") >/dev/null || fail "the same seed gave another answer"
echo "all checks of explored batches passed"
