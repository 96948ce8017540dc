#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What an increment of <onceproof/tally.h> is, in instructions: in a loop with the count in a register one store and no load; by itself the
# racy counter's load, addition and store; and nowhere a locked instruction, unless it was asked for.
#
#   test_tally_assembly.sh C_COMPILER CXX_COMPILER     both, and whichever of gcc, g++, clang and clang++ is there
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
[[ $(uname -m) == x86_64 ]] || { echo "skipped: reads x86-64 code only"; exit 77; }
type -P objdump >/dev/null || { echo "skipped: objdump is missing (package binutils)"; exit 77; }

cat >"$scratch/hot.c" <<'C'
#include <onceproof/tally.h>
#ifdef __cplusplus
#define API extern "C"
#else
#define API
#endif
API void work(void);
/* The compiler may move no access across this. */
#define PASS() __asm__ volatile("" : : : "memory")

API void loop_put(struct tally_seat *seat, uint64_t n);
API void loop_put(struct tally_seat *seat, uint64_t n)
{
	uint64_t own = tally_own(seat);
	while (n--) {
		tally_put(seat, ++own);
		PASS();
	}
}

API void loop_work(struct tally_seat *seat, uint64_t n);
API void loop_work(struct tally_seat *seat, uint64_t n)
{
	uint64_t own = tally_own(seat);
	while (n--) {
		work();
		tally_put(seat, ++own);
	}
}

API void loop_ticket(struct tally_seat *seat, uint64_t n);
API void loop_ticket(struct tally_seat *seat, uint64_t n)
{
	uint64_t own = tally_own(seat);
	while (n--) {
		uint64_t ticket = tally_put_ticket(seat, ++own);
		__asm__ volatile("" : : "r"(ticket) : "memory");
	}
}

API void alone_add(struct tally_seat *seat);
API void alone_add(struct tally_seat *seat)
{
	tally_add(seat);
}

API void alone_racy(uint64_t *count);
API void alone_racy(uint64_t *count)
{
	__atomic_store_n(count, __atomic_load_n(count, __ATOMIC_RELAXED) + 1, __ATOMIC_RELEASE);
}

API uint64_t alone_step(struct tally *t);
API uint64_t alone_step(struct tally *t)
{
	return tally_step(t);
}

API uint64_t alone_value(const struct tally *t);
API uint64_t alone_value(const struct tally *t)
{
	return tally_value(t);
}

API uint64_t alone_fenced(const struct tally *t);
API uint64_t alone_fenced(const struct tally *t)
{
	return tally_value_fenced(t);
}

API void alone_percpu(struct tally_percpu *t);
API void alone_percpu(struct tally_percpu *t)
{
	tally_percpu_add(t);
}
C
cp "$scratch/hot.c" "$scratch/hot.cc"

# body FUNCTION: its instructions, without addresses and without the parts in other sections.
body() {
	awk -v name="<$1>:" '$2 == name { on = 1; next } /^$/ { on = 0 } on && /^ +[0-9a-f]+:\t/ { sub(/^ +[0-9a-f]+:\t/, ""); sub(/ +#.*/, ""); print }' "$scratch/dump"
}

# loop FUNCTION: the instructions of its innermost loop: from the target of a jump backwards to that jump.
loop() {
	awk -v name="<$1>:" '
	$2 == name { on = 1; next }
	/^$/ { on = 0 }
	on && /^ +[0-9a-f]+:\t/ { at = $1; sub(/:/, "", at); n++; address[n] = at; line[n] = $0; place[at] = n
		sub(/^ +[0-9a-f]+:\t/, "", line[n])
		if (line[n] ~ /^j/) { split(line[n], word); if (word[2] in place && (!from || n - place[word[2]] < to - from)) { from = place[word[2]]; to = n } } }
	END { for (i = from; i && i <= to; i++) print line[i] }' "$scratch/dump"
}

stores() { # to memory other than the stack
	grep -cE '^(mov[a-z]*|add[a-z]*|inc[a-z]*|xchg[a-z]*|xadd[a-z]*) .*(,|  *)[^,]*\(%r' <(sed -E 's/^(mov[a-z]*|add[a-z]*) +[^(]*\(%[^)]*\),%.*$/load/' "$1" | grep -vF '(%rsp)' | grep -vE '^(cmp|test|lea)')
}

checks() {
	run "$1" "${@:3}" -iquote . -idirafter "$ONCEPROOF_SOURCE/include" -c "$scratch/$2" -o "$scratch/hot.o"
	expect_status 0
	objdump -dr --no-show-raw-insn "$scratch/hot.o" >"$scratch/dump"
	for name in put work ticket; do
		loop "loop_$name" >"$scratch/out"
		ran="$1 ${*:3}: loop_$name"
		expect "a loop" [ -s "$scratch/out" ]
		expect "one store per increment" [ "$(stores "$scratch/out")" -eq 1 ]
		expect "no locked instruction" [ "$(grep -cE '^(lock|xchg|mfence)' "$scratch/out")" -eq 0 ]
	done
	loop loop_put >"$scratch/out"
	ran="$1 ${*:3}: loop_put"
	expect "no load" [ "$(grep -cE '\(%[^)]*\),%' "$scratch/out")" -eq 0 ]
	body alone_add >"$scratch/out"
	body alone_racy >"$scratch/err"
	sed -Ei 's/%r(ax|cx|dx)/%scratch/g; s/^(nop|xchg +%ax,%ax|data16|cs nop).*//; /^$/d' "$scratch/out" "$scratch/err"
	ran="$1 ${*:3}: alone_add"
	expect "one store" [ "$(stores "$scratch/out")" -eq 1 ]
	# It also returns the seat's count, in the register that holds it anyway.
	expect "no more instructions than the racy counter's (out: tally, err: by hand)" [ "$(wc -l <"$scratch/out")" -le "$(wc -l <"$scratch/err")" ]
	for name in value percpu; do
		body "alone_$name" >"$scratch/out"
		ran="$1 ${*:3}: alone_$name"
		expect "no locked instruction" [ "$(grep -cE '^(lock|xchg +%[a-z]+,.*\(|mfence)' "$scratch/out")" -eq 0 ]
	done
	body alone_step >"$scratch/out"
	ran="$1 ${*:3}: alone_step"
	expect "one locked instruction" [ "$(grep -c '^lock xadd' "$scratch/out")" -eq 1 ]
	body alone_fenced >"$scratch/out"
	ran="$1 ${*:3}: alone_fenced"
	expect "a fence" [ "$(grep -cE '^(lock or|mfence)' "$scratch/out")" -eq 1 ]
	read_=$((read_ + 1))
}
read_=0
for compiler in $(for name in "$1" gcc clang; do type -P "$name"; done | sort -u); do
	for level in -O1 -O2 -O3; do
		checks "$compiler" hot.c $level -std=gnu11 -fno-unroll-loops
	done
done
for compiler in $(for name in "$2" g++ clang++; do type -P "$name"; done | sort -u); do
	checks "$compiler" hot.cc -O2 -std=c++11 -fno-unroll-loops
done
# The gate sees what it guards against: a locked addition, and a count that is kept in memory as well. must_fail WORDS SED
must_fail() {
	mkdir -p "$scratch/broken/onceproof"
	sed -E "$2" "$ONCEPROOF_SOURCE/include/onceproof/tally.h" >"$scratch/broken/onceproof/tally.h"
	failed=$failures
	checks "$compiler" hot.c -O2 -std=gnu11 -fno-unroll-loops -I "$scratch/broken" >"$scratch/expected"
	ran="$1"
	failures=$failed
	expect "is noticed" grep -q -- "$1" "$scratch/expected"
}
compiler=$1
must_fail "no locked instruction" 's/^	__atomic_store_n\(&seat->count, count, __ATOMIC_RELEASE\);/	__atomic_store_n(\&seat->count, count, __ATOMIC_SEQ_CST);/'
must_fail "one store per increment" 's/^	__atomic_store_n\(&seat->count, count, __ATOMIC_RELEASE\);/&\n	seat->passed = count;/'
must_fail "one locked instruction" 's/^	return __atomic_add_fetch\(&t->steps, 1, __ATOMIC_RELEASE\);/	return ++t->steps;/'
echo "read $read_ times"
finish
