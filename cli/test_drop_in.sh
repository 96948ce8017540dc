#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One new file is a new implementation: dropped into a copy of the source tree, it is found by `list`, the scenarios, the benchmarks
# and the pipeline without another edit. Files with a wrong or doubled name stop the build with a message.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"

tree="$scratch/tree"
build="$scratch/build"
mkdir "$tree"
tar -C "$ONCEPROOF_SOURCE" --exclude=./build --exclude=./.git --exclude=./onceproof-report -cf - . | tar -C "$tree" -xf -

configure() {
	run cmake -S "$tree" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
		-DCMAKE_C_COMPILER="${CC:-gcc}" -DCMAKE_CXX_COMPILER="${CXX:-g++}"
}

# --- refused, loudly
for name in 9_short.c 99_Upper.c dropped.c 99_atomic.c 99_with-dash.c; do
	cp "$tree/impl/counter/40_atomic.c" "$tree/impl/counter/$name"
	configure
	expect "$name should stop the configuration" [ "$status" -ne 0 ]
	expect "the message should name $name" grep -q "impl/counter/$name:" "$scratch/err"
	rm "$tree/impl/counter/$name"
done

cp "$tree/impl/counter/40_atomic.c" "$tree/impl/counter/99_renamed.c"
configure
expect "a file that exports another name should stop the configuration" [ "$status" -ne 0 ]
expect "the message should say what to write" grep -q "impl/counter/99_renamed.c: its last statement must export" "$scratch/err"
rm "$tree/impl/counter/99_renamed.c"

# --- one file each, and nothing else
sed 's/_EXPORT(atomic/_EXPORT(dropped/' "$tree/impl/counter/40_atomic.c" >"$tree/impl/counter/99_dropped.c"
sed 's/_EXPORT(atomic/_EXPORT(dropped/' "$tree/impl/initialiser/40_atomic.c" >"$tree/impl/initialiser/99_dropped.c"
sed 's/_EXPORT(monotone/_EXPORT(dropped/' "$tree/impl/progress/40_monotone.c" >"$tree/impl/progress/99_dropped.c"
# One that lies: the naive counter, claiming all that it breaks.
sed 's/_EXPORT(naive/_EXPORT(liar/; s/\.about\.missing =/.about.claims =/' "$tree/impl/counter/10_naive.c" >"$tree/impl/counter/98_liar.c"
configure
expect_status 0
run ninja -C "$build" onceproof onceproof-worker onceproof-bench
expect_status 0
[[ $status -eq 0 ]] || finish
onceproof=$build/bin/onceproof

# --- list
run "$onceproof" list --json -
expect_status 0
for family in counter initialiser progress; do
	expect_out "\"subject\": \"$family/dropped\""
	expect_out "\"file\": \"impl/$family/99_dropped.c\""
done
run "$onceproof" list '*/dropped' -q
expect_status 0
expect_out "99 counter/dropped"

# --- scenarios
for family in counter initialiser progress; do
	run "$onceproof" stress "$family/dropped" --engine=native,sequential --effort 0.01 --seed 1 --json "$scratch/stress.json"
	expect_status 0
	expect "$family/dropped should have results" grep -q "\"subject\": \"$family/dropped\"" "$scratch/stress.json"
	expect "its promises should be held against them" grep -q '"status": "upheld"' "$scratch/stress.json"
done

# --- a claim that is refuted breaks the contract, and the run fails
run "$onceproof" stress 'counter/liar/two_increments' --engine=native --seed 1 --json "$scratch/liar.json"
expect_status 1
expect_out "BROKEN CONTRACT: counter/liar says 'no_lost_update' is claimed"
expect "the result should say so" grep -q '"as_expected": false' "$scratch/liar.json"

# --- benchmarks
run "$onceproof" bench counter/dropped initialiser/dropped --quick --json "$scratch/bench.json"
expect_status 0
expect "counter/dropped should be measured" grep -q '"name": "counter/dropped/increment/threads:1' "$scratch/bench.json"
expect "initialiser/dropped should be measured" grep -q '"name": "initialiser/dropped/get/threads:1' "$scratch/bench.json"

# --- the pipeline
printf 'one\ntwo\nthree\n' >"$scratch/manifest"
run "$onceproof" run "$scratch/manifest" --initialiser dropped --counter dropped --progress dropped --workers 2 \
	--out "$scratch/out dir" --json "$scratch/run.json"
expect_status 0
expect "the batch should have used it" grep -q '"counter": "dropped"' "$scratch/run.json"
expect "all items should be done" grep -q '"done": 3' "$scratch/run.json"
finish
