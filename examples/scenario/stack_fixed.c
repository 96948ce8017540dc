/* SPDX-License-Identifier: MIT */
/* The stack of stack.c, with a number beside the top that every change counts up: the same node is not the same top. */
#include <onceproof.h>
#include <stdatomic.h>
#include <stdint.h>

enum { NODES = 2, NONE = 0 }; /* nodes are 1 and 2 */

static _Atomic(uint64_t) top;              /* the node in the lower half, the number of the change in the upper */
static _Atomic(uint32_t) below[NODES + 1]; /* by node; written by its owner, read by whoever saw it on top */
static uint32_t taken[2];                  /* by actor: what it kept */

static uint64_t changed(uint64_t old, uint32_t node)
{
	return ((old >> 32) + 1) << 32 | node;
}

static void push(uint32_t node)
{
	uint64_t old = atomic_load(&top);
	do
		atomic_store(&below[node], (uint32_t)old);
	while (!atomic_compare_exchange_strong(&top, &old, changed(old, node)));
}

static uint32_t pop(void)
{
	uint64_t old = atomic_load(&top);
	while ((uint32_t)old != NONE &&
		!atomic_compare_exchange_strong(&top, &old, changed(old, atomic_load(&below[(uint32_t)old]))))
		;
	return (uint32_t)old;
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
