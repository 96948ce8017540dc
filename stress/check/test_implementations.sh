#!/bin/bash
# SPDX-License-Identifier: MIT
# A user's implementation of a family: judged by the family's scenarios, run, priced, replayed; and what is said of one that is wrong.
. "$ONCEPROOF_SOURCE/cmake/check.sh"
[[ -x ${ONCEPROOF%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }
impl=$ONCEPROOF_SOURCE/impl
cd "$scratch" || exit 1

# lesson FILE NAME TO: the lesson under another name. claiming FILE EXPORT NAME TO CLAIMS: with an export line of its own.
lesson() {
	sed -E "s/^([A-Z]+_EXPORT)\([a-z0-9_]+/\1($2/" "$impl/$1" >"$3"
}
claiming() {
	sed "/^$2/,\$d" "$impl/$1" >"$4"
	printf '%s(%s, .about.lesson = "mine", .about.claims = %s);\n' "$2" "$3" "$5" >>"$4"
}

# A good lesson of each family, copied anywhere.
mkdir -p "elsewhere/my code"
lesson initialiser/20_mutex.c mine "elsewhere/my code/mine.c"
lesson counter/40_atomic.c counted my_counter.c
lesson progress/40_monotone.c told told.c
for file in "elsewhere/my code/mine.c" my_counter.c told.c; do
	run "$ONCEPROOF" check "$file"
	expect_status 0
	expect_out 'an implementation'
	reject_out BUG
	reject_out INCONCLUSIVE
	reject_err :
done
run "$ONCEPROOF" check --no-cache --json=mine.json "elsewhere/my code/mine.c"
expect_out 'proved'
run python3 - mine.json <<'END'
import json, sys
report = json.load(open(sys.argv[1]))
contracts = {c["promise"]: c for c in report["contracts"]}
assert {c["subject"] for c in report["contracts"]} == {"elsewhere/my code/mine.c"}
assert contracts["exactly_once"]["status"] == "upheld", contracts["exactly_once"]
assert contracts["survives_cancel"]["claim"] == "missing" and contracts["survives_cancel"]["status"] == "refuted"
assert not any(c["broken"] for c in report["contracts"])
assert report["checks"][0]["kind"] == "implementation"
END
expect_status 0
expect "no witness of what is declared" test ! -e onceproof-witness

# The naive ones, once they claim what they do not keep.
claiming counter/10_naive.c COUNTER_EXPORT count count.c 'COUNTER_NO_LOST_UPDATE | COUNTER_RACE_FREE'
claiming initialiser/10_naive.c INITIALISER_EXPORT loading load_once.c 'INITIALISER_EXACTLY_ONCE'
claiming progress/10_plain_global.c PROGRESS_EXPORT telling tell.c 'PROGRESS_RACE_FREE'
declare -A promise=([count]=no_lost_update [load_once]=exactly_once [tell]=race_free)
for name in count load_once tell; do
	run "$ONCEPROOF" check --no-fix "$name.c"
	expect_status 1
	expect_out "breaks"
	expect_out "${promise[$name]}"
	expect_out "$name.c:"
done
run "$ONCEPROOF" check --engine=tsan --no-fix count.c
expect_status 1
expect_out 'race_free'
expect_out "count.c:$(grep -n 'return ++c->value' count.c | cut -d: -f1)"

# As it is, a naive one says what it misses, and nobody accuses it; --promise asks all the same.
lesson counter/15_volatile.c loose loose.c
run "$ONCEPROOF" check --no-fix --promise=no_lost_update loose.c
expect_status 1
expect_out 'breaks no_lost_update'
run "$ONCEPROOF" check --promise=exactly_once loose.c
expect_status 2
expect_err "'exactly_once' is no promise of its family"

# Witnesses are repeated by building the worker again; an edit is noticed.
witness=$(ls onceproof-witness/counter-count-two_increments-forbidden-outcome-*.json | head -n 1)
run "$ONCEPROOF" replay "$witness"
expect_status 0
expect_out 'Reproduced'
expect_out 'count.c:'
mv count.c kept.c
run "$ONCEPROOF" replay "$witness"
expect_status 2
expect_err 'count.c'
mv kept.c count.c

# run and bench take it, in a process of its own.
run "$ONCEPROOF" run --initialiser "elsewhere/my code/mine.c" --counter ./my_counter.c --progress=./told.c --items=200 --no-files --workers=4
expect_status 0
expect_out 'initialiser/mine'
expect_out 'counter/counted'
run "$ONCEPROOF" run --counter ./told.c --items=10 --no-files
expect_status 2
expect_err 'told.c implements the progress, not the counter'
lesson initialiser/20_mutex.c mutex again.c
run "$ONCEPROOF" bench --quick --threads=1 --list ./my_counter.c ./again.c
expect_status 0
expect_out 'counter/counted/increment/threads:1'
expect_out 'counter/atomic/increment/threads:1'
expect_out 'initialiser/mutex@again.c/get/threads:1'
run "$ONCEPROOF" bench --quick --threads=1 --json=bench.json ./my_counter.c 'counter/counted/increment'
expect_status 0
expect_out 'counter/counted/increment/threads:1'
sed 's/(counted/(crash/; s/^static uint64_t counter_increment.*/&\n{\n\t__builtin_trap();\n}\nstatic uint64_t unused(struct counter *c, struct counter_seat *seat)/' my_counter.c >crash.c
sed -i 's/^static uint64_t unused/__attribute__((unused)) &/' crash.c
run "$ONCEPROOF" run --counter ./crash.c --items=10 --no-files
expect_status 1
expect_err 'ended the process that ran it'

# Bad input.
sed 's/COUNTER_EXPORT(counted/INITIALISER_EXPORT(counted/' my_counter.c >wrong.c
run "$ONCEPROOF" check wrong.c
expect_status 2
expect_err 'wrong.c: does not compile'
{ cat my_counter.c; grep -A9 ^COUNTER_EXPORT my_counter.c | sed 's/counted/second/'; } >two.c
run "$ONCEPROOF" check two.c
expect_status 2
expect_err 'two.c: has 2 export lines'
sed '/^static void counter_leave/,/^}/d' my_counter.c >missing.c
run "$ONCEPROOF" check missing.c
expect_status 2
expect_err 'there is no counter_leave()'
sed 's/^#include "counter_export.h"//' my_counter.c >last.c
run "$ONCEPROOF" check last.c
expect_status 2
expect_err 'last.c'
echo 'int broken(' >>my_counter.c
run "$ONCEPROOF" check my_counter.c
expect_status 2
expect_err 'my_counter.c: does not compile'
expect_err 'error:'
cp told.c told.cc
run "$ONCEPROOF" check told.cc
expect_status 2
expect_err 'written in C'
claiming counter/40_atomic.c COUNTER_EXPORT claims claims.c 0
run "$ONCEPROOF" check claims.c
expect_status 2
expect_err 'it claims no promise'
finish
