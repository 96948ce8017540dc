#!/bin/bash
# SPDX-License-Identifier: MIT
# Scenario files: the examples and their fixes, what such a file may look like, what is said of one that is wrong.
. "$ONCEPROOF_SOURCE/cmake/check.sh"
[[ -x ${ONCEPROOF%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }
examples=$ONCEPROOF_SOURCE/examples/scenario
cd "$scratch" || exit 1

# Each example is found out, at the line that a person would look at, and its fix is proved.
cp "$examples"/*.c .
declare -A line=([counter]='n++' [stack]='ONCEPROOF_EXPECT(places' [queue]='ONCEPROOF_EXPECT(taken')
for name in counter stack queue; do
	run "$ONCEPROOF" check --no-fix "$name.c"
	expect_status 1
	expect_out "$name.c:$(grep -nF "${line[$name]}" "$name.c" | cut -d: -f1)"
	reject_out onceproof.h
	run "$ONCEPROOF" check "${name}_fixed.c"
	expect_status 0
	expect_out "${name}_fixed.c: proved"
done
# A witness repeats the execution, whichever scenario it is of.
for witness in onceproof-witness/*.json; do
	run "$ONCEPROOF" replay "$witness"
	expect_status 0
done

# Both other engines see the data race.
for engine in tsan native; do
	run "$ONCEPROOF" check --engine=$engine counter.c
	expect_status 1
	expect_out counter.c:
done

# Without onceproof: real threads, every scenario, an answer by exit status.
compile() {
	run "${CC:-cc}" -Wall -Wextra -Werror -I"$ONCEPROOF_SOURCE/include" "$@" -pthread -o native
	expect_status 0
}
compile counter_fixed.c
run ./native --seconds=100
expect_status 0
expect_out 'two_increments: 20000 executions by 2 threads, none failed'
run ./native --rounds=10 two_increments
expect_out 'two_increments: 10 executions'
run ./native two_decrements
expect_status 2
expect_err 'there is no scenario two_decrements'
run ./native --list
expect "the names only" test "$(cat out)" = two_increments

# Outcomes: told, counted, forbidden; several scenarios, in two files, in C++; the same actor twice; numbered workers.
cat >outcomes.c <<'END'
#include <onceproof.h>
#include <stdatomic.h>
static atomic_int x, y;
static int a, b;
static void set_up(void) { atomic_store(&x, 0); atomic_store(&y, 0); }
static void one(void) { atomic_store_explicit(&x, 1, memory_order_relaxed); a = atomic_load_explicit(&y, memory_order_relaxed); }
static void two(void) { atomic_store_explicit(&y, 1, memory_order_relaxed); b = atomic_load_explicit(&x, memory_order_relaxed); }
static void check(void) { onceproof_outcome("%d %d", a, b); }
ONCEPROOF_SCENARIO(told, .set_up = set_up, .actors = {one, two}, .check = check);
ONCEPROOF_SCENARIO(ruled_out, .set_up = set_up, .actors = {one, two}, .check = check, .forbidden = {"2 2"});
ONCEPROOF_SCENARIO(allowed, .set_up = set_up, .actors = {one, two}, .check = check, .allowed = {"0 1", "1 0", "1 1"});
END
run "$ONCEPROOF" check --no-fix --json=outcomes.json outcomes.c
expect_status 1
expect_out "the outcome '0 0' is not among the allowed ones"
expect_out 'outcomes.c:8 check'
run python3 - outcomes.json <<'END'
import json, sys
results = {r["scenario"]: r for r in json.load(open(sys.argv[1]))["results"]}
told = {o["label"]: o["count"] for o in results["told"]["outcomes"]}
assert set(told) == {"0 0", "0 1", "1 0", "1 1"} and all(told.values()), told
assert results["told"]["verdict"] == results["ruled_out"]["verdict"] == "proved"
assert results["allowed"]["verdict"] == "bug"
END
expect_status 0
cat >more.cc <<'END'
#include <onceproof.h>
#include <atomic>
static std::atomic<unsigned> sum;
static void set_up() { sum = 0; }
static void add(unsigned self) { sum += self + 1; }
static void add_ten() { sum += 10; }
static void check() { ONCEPROOF_EXPECT(sum == 23, "the sum is %u", sum.load()); }
ONCEPROOF_SCENARIO(workers, .set_up = set_up, .actors = {add_ten, add_ten}, .worker = add, .workers = 2, .check = check);
END
run "$ONCEPROOF" check more.cc
expect_status 0
reject_out BUG
cp counter_fixed.c second.c
sed -i s/two_increments/from_another_file/ second.c
run "$ONCEPROOF" check counter_fixed.c second.c
expect_status 0
expect_out two_increments
expect_out from_another_file

# Bad input.
sed -i 's/sum == 2/sum = = 2/' counter_fixed.c
run "$ONCEPROOF" check counter_fixed.c
expect_status 2
expect_err 'counter_fixed.c: does not compile'
expect_err 'error:'
printf '#include <onceproof.h>\nint n;\n' >none.c
run "$ONCEPROOF" check none.c
expect_status 2
expect_err 'none.c: it names no scenarios'
finish
