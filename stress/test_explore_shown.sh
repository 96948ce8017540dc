#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every missing promise is shown, by the same witness whatever the seed, within 100 executions; every claimed one is upheld.
# Argument: how many seeds (default 3).
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
onceproof=${ONCEPROOF:?}
runs=${1:-3}
cd "$scratch" || exit 1
families=('initialiser/*' 'counter/*' 'progress/*')
[[ -x ${onceproof%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }

# What the explorer and forced orders show together. The per-CPU counter uses inline assembly, and the eager initialiser's object is
# static: the explorer does not see into the one, and no script into the other.
run "$onceproof" stress "${families[@]}" --engine=explore,sequential --seed 1 -q --json all.json
expect_status 0
unshown=$(jq -r '.contracts[] | select(.status == "unshown") | .subject + " " + .promise' all.json | sort | tr '\n' ';')
expect "nothing is unshown but what is known: $unshown" \
	[ "$unshown" = "counter/percpu linearizable_value;counter/percpu race_free;counter/tally_percpu linearizable_value;counter/tally_percpu race_free;initialiser/eager read_only_get;" ]
expect "no claim is refuted" jq -e 'all(.contracts[]; .broken == false)' all.json
expect "all claims of scenarios are proved" jq -e 'all(.results[] | select(.engine == "explore" and .expected == "clean" and .verdict != "skipped"); .verdict == "proved")' all.json

# schedules DIR: name and schedule of each witness.
schedules() { for file in "$1"/*.json; do jq -c --arg name "${file##*/}" '[$name, .schedule]' "$file"; done; }

for ((seed = 1; seed <= runs; seed++)); do
	run "$onceproof" explore "${families[@]}" -q --seed "$seed" --witness witness --json run.json
	expect_status 0
	expect "each finding within 100 executions" jq -e 'all(.results[].findings[]; .first <= 100)' run.json
	schedules witness >"$seed.txt"
	expect "there are witnesses" [ "$(wc -l <"$seed.txt")" -ge 100 ]
	expect "the witnesses of seed $seed are those of seed 1" diff -q 1.txt "$seed.txt"
	slowest=$(jq '[.results[] | select(.engine == "explore" and .verdict == "bug") | .seconds] | max' run.json)
	rm -r witness
done
echo "$runs seeds, $(wc -l <1.txt) witnesses each; the slowest search with a bug took $slowest s"
finish
