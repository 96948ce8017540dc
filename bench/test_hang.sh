#!/bin/bash
# SPDX-License-Identifier: MIT
# An implementation that never comes back from an increment costs its own rows, and the run says so.
#
#   test_hang.sh ONCEPROOF
set -uo pipefail
onceproof=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

fail()
{
	echo "FAILED: $*"
	failed=1
}

# The atomic counter, but two threads wait for each other.
sed -e 's/COUNTER_EXPORT(atomic/COUNTER_EXPORT(stuck/' \
	"$ONCEPROOF_SOURCE/impl/counter/40_atomic.c" > "$scratch/stuck.c"
awk '/^static uint64_t counter_increment\(/ { inside = 1 } { print } inside && /^{/ { print "\twhile (1)\n\t\t__asm__ volatile(\"\");"; inside = 0 }' \
	"$scratch/stuck.c" > "$scratch/95_stuck.c"
grep -q 'while (1)' "$scratch/95_stuck.c" || fail "the implementation is not broken: has 40_atomic.c changed?"

"$onceproof" bench --quick --threads 1 --counter "$scratch/95_stuck.c" --json "$scratch/b.json" 'counter/stuck/increment' 'counter/atomic/increment' \
	-- --benchmark_repetitions=3 > "$scratch/out" 2>&1
status=$?
[ $status = 0 ] || fail "status $status, not 0: $(cat "$scratch/out")"
grep -q "counter/stuck/increment/threads:1: it did not end" "$scratch/out" || fail "the row is not named: $(cat "$scratch/out")"
jq -e '[.benchmarks.benchmarks[] | select(.run_name == "counter/atomic/increment/threads:1" and .aggregate_name == "median")] | length == 1' \
	"$scratch/b.json" > /dev/null || fail "the other rows are lost"
jq -e '[.benchmarks.benchmarks[] | select(.run_name | startswith("counter/stuck/")) | select(.error_occurred != true)] | length == 0' \
	"$scratch/b.json" > /dev/null || fail "the row has a result"
exit $failed
