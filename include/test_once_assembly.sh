#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# After the load, an accessor of <onceproof/once.h> is the same instructions as a load and a branch written by hand, alone and in a loop.
#
#   test_once_assembly.sh C_COMPILER CXX_COMPILER     both, and whichever of gcc, g++, clang and clang++ is there
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
[[ $(uname -m) == x86_64 ]] || { echo "skipped: reads x86-64 code only"; exit 77; }
type -P objdump >/dev/null || { echo "skipped: objdump is missing (package binutils)"; exit 77; }
here=$ONCEPROOF_SOURCE/include

cat >"$scratch/pairs.c" <<'C'
#include <onceproof/once.h>
#ifdef __cplusplus
#define API extern "C"
#else
#define API
#endif
#define SLOW API __attribute__((noinline, cold))
struct model {
	int words;
};
API struct model *load_model(void);
ONCE_DEFINE(struct model, the_model, load_model);
ONCE_DECLARE(struct model, the_shared);

struct plain {
	void *instance;
};
static struct plain plain_model;
extern struct plain plain_shared;
static struct model *plain_load(void) { return load_model(); }
SLOW void *plain_slowly(struct plain *it, struct model *(*load)(void), void *arg);
__attribute__((always_inline)) static inline struct model *plain_get(struct plain *it)
{
	void *instance = __atomic_load_n(&it->instance, __ATOMIC_ACQUIRE);
	if (__builtin_expect(instance == NULL, 0))
		instance = plain_slowly(it, plain_load, NULL);
	return ONCE_CAST_(struct model *, instance);
}

API struct model *once_alone(void);
API struct model *once_alone(void) { return the_model(); }
API struct model *plain_alone(void);
API struct model *plain_alone(void) { return plain_get(&plain_model); }
API struct model *once_far(void);
API struct model *once_far(void) { return the_shared(); }
API struct model *plain_far(void);
API struct model *plain_far(void) { return plain_get(&plain_shared); }
API long once_loop(long n);
API long once_loop(long n)
{
	long sum = 0;
	while (n--)
		sum += the_model()->words;
	return sum;
}
API long plain_loop(long n);
API long plain_loop(long n)
{
	long sum = 0;
	while (n--)
		sum += plain_get(&plain_model)->words;
	return sum;
}
C
cp "$scratch/pairs.c" "$scratch/pairs.cc"

# hot FUNCTION: its instructions in $scratch/dump that are not on the way to its slow path.
hot() {
	awk -v wanted="$1" -f "$here/test_once_hot.awk" "$scratch/dump"
}

# same COMPILER FILE OPTIONS...
same() {
	run "$1" "${@:3}" -I "$here" -c "$scratch/$2" -o "$scratch/pairs.o"
	expect_status 0
	objdump -dr --no-show-raw-insn "$scratch/pairs.o" >"$scratch/dump"
	for pair in alone far loop; do
		hot "once_$pair" >"$scratch/mine"
		hot "plain_$pair" >"$scratch/plain"
		ran="$1 ${*:3}: $pair"
		cp "$scratch/mine" "$scratch/out"
		cp "$scratch/plain" "$scratch/err"
		expect "the same instructions (out: once, err: by hand)" diff -q "$scratch/plain" "$scratch/mine"
		expect "a load and a test among them" grep -q '^test' "$scratch/mine"
	done
	# mov, test, branch, return: what an accessor costs, but for the frame that clang makes for the slow path.
	hot once_alone | grep -vE '^(push|pop) ' >"$scratch/out"
	expect "four instructions" [ "$(wc -l <"$scratch/out")" -eq 4 ]
	expect "nothing is written" [ "$(grep -cE '^mov.*,.*\(%' "$scratch/out")" -eq 0 ]
	compared=$((compared + 1))
}
compared=0
for compiler in $(for name in "$1" gcc clang; do type -P "$name"; done | sort -u); do
	for level in -O1 -O2 -O3 -Os; do
		same "$compiler" pairs.c $level -std=gnu11
	done
	same "$compiler" pairs.c -O2 -fPIC
	same "$compiler" pairs.c -O2 -DONCE_NO_FUTEX
done
for compiler in $(for name in "$2" g++ clang++; do type -P "$name"; done | sort -u); do
	same "$compiler" pairs.cc -O2 -std=c++11
done
# The comparison sees a difference: a flag apart from the pointer is one more load and branch.
sed -i 's/^	if (__builtin_expect(instance == NULL, 0))$/	if (__builtin_expect(!__atomic_load_n(\&plain_model.flag, __ATOMIC_ACQUIRE), 0))/; s/^	void \*instance;$/&\n	int flag;/' "$scratch/pairs.c"
failed=$failures
same "$1" pairs.c -O2 >"$scratch/expected"
expect "another sequence is noticed" grep -q 'the same instructions' "$scratch/expected"
grep -q 'the same instructions' "$scratch/expected" && failures=$failed
echo "compared $compared times"
finish
