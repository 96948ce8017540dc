#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Memory orders: every one that our implementations name is needed, or its comment says why it is kept; one that is too strong is found.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
onceproof=${ONCEPROOF:?}
cd "$scratch" || exit 1
[[ -x ${onceproof%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }
cd "$ONCEPROOF_SOURCE" || exit 1 # comments are read from there

run "$onceproof" explore --weaken --json "$scratch/all.json"
grep -A3 'could be\|not refuted' "$scratch/out" | grep -v 'kept: the comment'
expect_status 0
operations='.orders[].operations[]'
expect "many orders are needed" jq -e "[$operations | select(.verdict == \"needed\")] | length >= 30" "$scratch/all.json"
expect "each comes with what breaks" jq -e "all($operations | select(.verdict == \"needed\"); any(.tried[]; .verdict == \"breaks\" and .finding != null))" "$scratch/all.json"
expect "nothing is left open" jq -e "all($operations; .verdict != \"open\")" "$scratch/all.json"
# What one of a header's subjects keeps, another one needs.
expect "each order of tally.h is needed by one of its subjects" jq -e '[.orders[].operations[] | select(.file == "include/onceproof/tally.h" and .verdict != "weakest")]
	| length >= 15 and all(group_by([.line, .operation, .half])[]; any(.[]; .verdict == "needed"))' "$scratch/all.json"
expect "the fence of sharded_fenced is needed" jq -e '.orders[] | select(.subject == "counter/sharded_fenced") | any(.operations[]; .operation == "fence" and .verdict == "needed")' "$scratch/all.json"

cat >"$scratch/strong.c" <<'C'
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
static int data;
static atomic_int flag;
atomic_int hint; /* extern: or a compiler leaves out what nobody reads */
static void *writer(void *arg)
{
	data = 1;
	atomic_store_explicit(&hint, 1, memory_order_release); /* nobody relies on it */
	atomic_store_explicit(&flag, 1, memory_order_seq_cst); /* release would do */
	return arg;
}
int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, writer, NULL);
	if (atomic_load_explicit(&flag, memory_order_acquire))
		assert(data == 1);
	pthread_join(thread, NULL);
	return 0;
}
C
run "$onceproof" explore --weaken --json "$scratch/strong.json" "$scratch/strong.c"
expect_status 1
of() { jq -r ".orders[0].operations[] | select(.line == $1) | .verdict + \" \" + (.could_be // \"-\")" "$scratch/strong.json"; }
expect "a release that nobody relies on could be relaxed" [ "$(of 10)" = "weaker relaxed" ]
expect "a seq_cst store could be a release, and no less" [ "$(of 11)" = "weaker release" ]
expect "the acquire is needed" [ "$(of 18)" = "needed -" ]
expect_out "could be release"
finish
