# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by the tests here: what a whole run and its shards must agree on, and what a lost shard does.
# shellcheck source=cmake/check.sh
. "$ONCEPROOF_SOURCE/cmake/check.sh"
scale=$ONCEPROOF_SOURCE/examples/scale
export ONCEPROOF
cd "$scratch" || exit 1
[[ -x ${ONCEPROOF%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }
mapfile -t stray < <(compgen -e | grep -E '^(SLURM|SBATCH|OMPI|PMI|PMIX|JOB_COMPLETION|PARALLEL|ONCEPROOF_SHARD)')
for name in "${stray[@]}"; do unset "$name"; done

# What is explored: one that is proved, one with a bug.
# The plan auto is another one for each number of shards, if it is this short; the exhaustive search is divided without a rest.
explored=(--strategy dpor 'counter/mutex/two_increments' 'counter/naive/two_increments')
shards=4

# needs COMMAND...: skips the test where a tool is missing. `./onceproof test --full` has installed it.
needs() {
	local tool
	for tool in "$@"; do
		PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || { echo "$tool is not installed"; exit 77; }
	done
}

essential='.results[] | [.subject, .scenario, .verdict, .executions, .blocked, (.findings | map([.kind, .message]) | sort), (.outcomes | map([.label, .count]))]'

# whole: what one process says.
whole() {
	run "$ONCEPROOF" explore "${explored[@]}" --seed 1 --witness w --json whole.json -q
	expect_status 0
	expect "one is proved, one has a bug" test "$(jq -c '[.results[].verdict] | sort' whole.json)" = '["bug","proved"]'
}

# merged FOLDER: the shards in it are together what one process says.
merged() {
	expect "$shards shards" test "$(find "$1" -name '[0-9]*.json' | wc -l)" = "$shards"
	expect "each is another one" test "$(jq -r .shard "$1"/[0-9]*.json | sort -u | wc -l)" = "$shards"
	expect "no shard proves anything" test "$(jq -s '[.[].results[] | select(.verdict == "proved")] | length' "$1"/[0-9]*.json)" = 0
	expect "merged is whole" diff <(jq -c "$essential" whole.json) <(jq -c "$essential" "$1/whole.json")
}

# lost FOLDER: without one of its shards, that one is named and nothing is proved.
lost() {
	local victim shard
	victim=$(find "$1" -name '[0-9]*.json' | sort | sed -n 2p)
	shard=$(jq -r .shard "$victim")
	rm "$victim"
	run "$ONCEPROOF" merge "$1"/[0-9]*.json --json lost.json
	expect_status 3
	expect_err "merge: shard $shard of counter/mutex two_increments is missing"
	expect "nothing is proved" test "$(jq '[.results[] | select(.verdict == "proved")] | length' lost.json)" = 0
}
