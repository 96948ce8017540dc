#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `explore` and `replay` through the front door: verdicts, tables, witnesses that repeat, the same results each time, misuse.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
onceproof=${ONCEPROOF:?}
cd "$scratch" || exit 1
[[ -x ${onceproof%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }

# A bug is found, shown as a table with one column per thread, and kept.
run "$onceproof" explore counter/load_store/two_increments --seed 1 --json bug.json
expect_status 0
expect_out "bug          as stated"
expect_out "outcome '1'"
expect_out "│ T1"
expect_out "atomic_store_explicit(&c->value, step,"
expect "one witness" [ "$(find onceproof-witness -name 'counter-load_store-two_increments-forbidden-outcome-*.json' | wc -l)" -eq 1 ]
expect "the missing promise is shown" jq -e '.contracts[] | select(.promise == "no_lost_update") | .status == "refuted" and .broken == false' bug.json
expect "rows have lines and values" jq -e '.results[0].findings[0].interleaving | length >= 4 and
	all(.line > 0 and .file == "impl/counter/30_load_store.c" and (.source | length) > 0 and (.read // .written) != null)' bug.json
witness=$(echo onceproof-witness/*.json)

# It repeats, says so, and shows the same.
run "$onceproof" replay "$witness" --json again.json
expect_status 0
expect_out "Reproduced"
expect "the same steps" diff <(jq '[.results[0].findings[0].interleaving[] | del(.at)]' again.json) \
	<(jq '[.results[0].findings[0].interleaving[] | del(.at)]' bug.json)

# What it says is decided by the seed alone: not by the run, nor by how many run at once.
for jobs in 1 2 2; do
	run "$onceproof" explore 'counter/*/two_increments' --seed 7 --budget 2000 -q -j $jobs --witness "w$jobs" --json - --first
	jq 'del(.host.date) | walk(if type == "object" then del(.seconds, .peak_bytes, .replay, .witness) else . end)' out >"jobs$jobs.json"
	expect "results" jq -e '.results | length > 10' "jobs$jobs.json"
	[[ ! -e first.json ]] || expect "the same results with -j $jobs" diff -q first.json "jobs$jobs.json"
	[[ -e first.json ]] || mv "jobs$jobs.json" first.json
done
expect "the same witnesses" diff -r w1 w2

# A fix is proved, and so are its promises.
run "$onceproof" explore counter/atomic/two_increments --seed 1 --json fix.json --witness none
expect_status 0
expect_out "proved"
expect "upheld" jq -e '.contracts[] | select(.promise == "no_lost_update") | .status == "upheld" and .by == "explore two_increments"' fix.json
expect "no witness of nothing" [ ! -e none ]

# Shards of a search decide nothing alone; together they are the whole.
for i in 1 2; do
	run "$onceproof" explore counter/atomic/two_increments --seed 1 --shard $i/2 --strategy dpor -q --json "shard$i.json"
	expect_status 3
done
run "$onceproof" merge shard1.json shard2.json --json merged.json
expect_status 0
run "$onceproof" explore counter/atomic/two_increments --seed 1 --strategy dpor -q --json whole.json
for member in '.results[0].verdict' '.results[0].executions' '.results[0].evidence' '[.results[0].outcomes[].count]' '[.contracts[].status]'; do
	expect "shards give the same $member" diff <(jq "$member" merged.json) <(jq "$member" whole.json)
done

# A witness of another program, of another version, edited, cut.
jq '.scenario = "no_such"' "$witness" >other.json
run "$onceproof" replay other.json
expect_status 2
expect_err "which this build does not have"
jq '.schema = "onceproof-witness/9"' "$witness" >newer.json
run "$onceproof" replay newer.json
expect_status 2
expect_err "onceproof-witness/9"
jq '.schedule[3] = ["x"]' "$witness" >broken.json
run "$onceproof" replay broken.json
expect_status 2
expect_err "step 4 of its schedule is malformed"
jq '.subject = "counter/atomic"' "$witness" >fixed.json
run "$onceproof" replay fixed.json
expect "the fix does not show it" [ "$status" -eq 1 -o "$status" -eq 3 ]
expect_out "NOT reproduced"
head -c 200 "$witness" >cut.json
run "$onceproof" replay cut.json
expect_status 2
expect_err "not valid JSON"

# In the debugger it stops at the first step.
if command -v gdb >/dev/null; then
	run timeout 60 "$onceproof" replay "$witness" --gdb
	expect_out "step 1"
fi

# A witness that cannot be written is said, and nothing else is lost.
: >file
run "$onceproof" explore counter/load_store/two_increments --seed 1 --witness file/x --json kept.json
expect_status 2
expect_err "--witness"
expect "the results are there" jq -e '.results[0].verdict == "bug"' kept.json
finish
