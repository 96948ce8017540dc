/* SPDX-License-Identifier: MIT */
/* A stack without locks (R. K. Treiber, "Systems Programming: Coping with Parallelism", 1986) over nodes that are used again. pop reads
 * which node is next, then swaps it in if the top is still the same node; but the same node can be the top again with another one below it
 * (the ABA problem), and then pop brings back a node that somebody else owns. */
#include <onceproof.h>
#include <stdatomic.h>
#include <stdint.h>

enum { NODES = 2, NONE = 0 }; /* nodes are 1 and 2 */

static _Atomic(uint32_t) top;              /* a node */
static _Atomic(uint32_t) below[NODES + 1]; /* by node; written by its owner, read by whoever saw it on top */
static uint32_t taken[2];                  /* by actor: what it kept */

static void push(uint32_t node)
{
	uint32_t old = atomic_load(&top);
	do
		atomic_store(&below[node], old);
	while (!atomic_compare_exchange_strong(&top, &old, node));
}

static uint32_t pop(void)
{
	uint32_t old = atomic_load(&top);
	while (old != NONE && !atomic_compare_exchange_strong(&top, &old, atomic_load(&below[old])))
		;
	return old;
}

static void set_up(void)
{
	atomic_store(&top, NONE);
	push(2);
	push(1);
}

static void take_one(void)
{
	taken[0] = pop();
}

static void take_two_and_return_one(void)
{
	uint32_t first = pop();
	taken[1] = pop();
	if (first != NONE)
		push(first);
}

/* Every node is in one place. */
static void check(void)
{
	unsigned places[NODES + 1] = {0};
	places[taken[0]]++;
	places[taken[1]]++;
	for (uint32_t node; (node = pop()) != NONE;)
		places[node]++;
	for (uint32_t node = 1; node <= NODES; node++)
		ONCEPROOF_EXPECT(places[node] == 1, "node %u is in %u places", node, places[node]);
}

ONCEPROOF_SCENARIO(reuse, .set_up = set_up, .actors = {take_one, take_two_and_return_one}, .check = check);
