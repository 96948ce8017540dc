#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Many checks at once, two and more of them of the same file: the same verdicts as alone, and nothing is left of any. ARGUMENT: how many.
. "$ONCEPROOF_SOURCE/cmake/check.sh"
cd "$scratch" || exit 1
[[ -e $ONCEPROOF_BUILD/libexec/onceproof/explore_program.o ]] || { echo "this build has no explored code"; exit 77; }
unset GITHUB_ACTIONS CC CXX
export XDG_CACHE_HOME=$scratch/cache TMPDIR=$scratch/tmp
mkdir tmp
many=${1:-12}

cat >account.c <<'C'
#include <assert.h>
#include <pthread.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int balance;
static void *pay_in(void *unused)
{
	pthread_mutex_lock(&lock);
	int seen = balance;
#ifndef FIXED
	pthread_mutex_unlock(&lock);
	pthread_mutex_lock(&lock);
#endif
	balance = seen + 1;
	pthread_mutex_unlock(&lock);
	return unused;
}
int main(void)
{
	pthread_t thread;
	pthread_create(&thread, 0, pay_in, 0);
	pay_in(0);
	pthread_join(thread, 0);
	assert(balance == 2);
	return 0;
}
C
cat >ready.c <<'C'
#include <pthread.h>
#include <stdatomic.h>
static int value;
#ifdef FIXED
static atomic_int ready;
#else
static int ready;
#endif
static void *publish(void *unused)
{
	value = 1;
	ready = 1;
	return unused;
}
int main(void)
{
	pthread_t thread;
	pthread_create(&thread, 0, publish, 0);
	int bad = ready && !value;
	pthread_join(thread, 0);
	return bad;
}
C

# one NUMBER: one check, of one of four programs; what it says goes to a file of its own.
one() {
	local file=account.c fix=() status=0
	[[ $(($1 % 4)) -lt 2 ]] || file=ready.c
	[[ $(($1 % 2)) -eq 0 ]] || fix=(-- -DFIXED)
	"$ONCEPROOF" check "$file" --seed=1 --budget=10m --no-fix --witness="witness-$1" --json="r-$1.json" "${fix[@]}" >"out-$1" 2>"err-$1" || status=$?
	echo "$status" >"status-$1"
	jq -c '[.results[] | [.engine, .verdict, .executions, [.findings[]? | [.kind, .message]]]]' "r-$1.json" >"said-$1" 2>>"err-$1"
}

# Alone, without help from the cache; then all at once, which use it and fill it.
for number in 0 1 2 3; do
	XDG_CACHE_HOME=$scratch/other one "$number"
	mv "said-$number" "alone-$number"
	mv "status-$number" "alone-status-$number"
done
expect "two bugs, two fixes" test "$(cat alone-status-* | tr '\n' ' ')" = '1 0 1 0 '
for ((number = 0; number < many; number++)); do
	one "$number" &
done
wait
ran="$many checks at once"
for ((number = 0; number < many; number++)); do
	cmp -s "status-$number" "alone-status-$((number % 4))" || fail "number $number ends with $(cat "status-$number"): $(cat "err-$number")"
	cmp -s "said-$number" "alone-$((number % 4))" || fail "number $number says $(cat "said-$number"), alone it is $(cat "alone-$((number % 4))")"
done
expect "no temporary file: $(ls -A tmp)" test -z "$(ls -A tmp)"
expect "no process: $(pgrep -af "$TMPDIR/onceproof-private")" test -z "$(pgrep -f "$TMPDIR/onceproof-private")"
finish
