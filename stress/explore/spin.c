/* SPDX-License-Identifier: MIT */
/* Spin loops. A thread that comes back to a read with the same registers and stack, and has changed nothing in between, has gone round a
 * loop for nothing: its next turn can differ only if something that it reads does. An exhaustive search needs no such turn at all (the
 * execution in which it reads the news at once is another one), the other searches let the thread wait for news.
 *
 * Soundness: the turn consists of reads only. What it did to its own stack and registers is compared, by hash; any other effect
 * (a store, a lock, a plain write elsewhere) forgets the turn. GenMC (Kokologiannakis & Vafeiadis, CAV 2021) finds such loops in the
 * program's text and assumes that they end at once; here the state itself is looked at, so any loop will do.
 */
#include "runtime_private.h"

/* Registers that a call preserves and the stack above: all that the code behind the call can depend on. */
static uint64_t state_now(void)
{
	const uint64_t *registers = runtime->registers;
	uint64_t hash = 0x9e3779b97f4a7c15u;
	for (int i = 0; i < 7; i++)
		hash = (hash ^ registers[i]) * 0xff51afd7ed558ccdu + (hash >> 29);
	uintptr_t low, high;
	fiber_stack(runtime->current + 1, &low, &high);
	if (registers[6] < low || registers[6] >= high)
		return 0;
	for (const uint64_t *word = (const uint64_t *)registers[6]; (uintptr_t)word < high; word++)
		hash = (hash ^ *word) * 0xff51afd7ed558ccdu + (hash >> 29);
	return hash ? hash : 1;
}

static int find(const void *site, uint32_t location)
{
	const struct inner_thread *own = inner_thread();
	for (unsigned i = own->spin_count; i-- > 0;)
		if (own->spin[i].site == site && own->spin[i].location == location)
			return (int)i;
	return -1;
}

/* Has the thread read news since its former read number FORMER? Then it knows more than that read did, and may not return the same. */
static bool knows_more(int former)
{
	const struct inner_thread *own = inner_thread();
	for (unsigned i = (unsigned)former + 1; i < own->spin_count; i++)
		if (own->spin[i].news)
			return true;
	return false;
}

enum spin spin_before(const void *site, uint32_t location, uint64_t *state)
{
	struct inner_thread *own = inner_thread();
	int former = find(site, location);
	*state = runtime->graph->full || former >= 0 ? state_now() : 0;
	if (former < 0)
		return SPIN_NO;
	if (*state && own->spin[former].state == *state)
		return SPIN_SAME;
	return own->spin_turns >= SPIN_TURNS && !knows_more(former) ? SPIN_COUNTS : SPIN_NO;
}

void spin_after(const void *site, uint32_t location, uint64_t state, event_id event, event_id source)
{
	struct inner_thread *own = inner_thread();
	int former = find(site, location);
	bool news = former < 0 || own->spin[former].source != source;
	if (former >= 0) {
		/* A turn is over; one that read something new starts the count of turns without news again. */
		own->spin_turns = news ? 0 : own->spin_turns + 1;
		/* What lies before the former read does not belong to this loop. */
		unsigned kept = own->spin_count - (unsigned)former - 1;
		for (unsigned i = 0; i < kept; i++)
			own->spin[i] = own->spin[(unsigned)former + 1 + i];
		own->spin_count = kept;
	} else {
		/* A read on the way: whatever loop turned without news was left. */
		own->spin_turns = 0;
		if (own->spin_count == SPIN_READS_MAX)
			own->spin_count = 0;
	}
	own->spin[own->spin_count++] = (struct spin_read){
		.site = site, .location = location, .event = event, .source = source, .news = news, .state = state};
}

void runtime_effect(void)
{
	spin_effect();
}

bool spin_is_news(const struct spin_read *read)
{
	const struct graph *g = runtime->graph;
	event_id last = g->locations[read->location].last;
	return last != read->source && g->events[last].value != g->events[read->source].value;
}

bool spin_has_news(unsigned t)
{
	const struct inner_thread *own = &inner()->thread[t];
	for (unsigned i = 0; i < own->spin_count; i++)
		if (spin_is_news(&own->spin[i]))
			return true;
	return false;
}

event_id spin_former(const void *site, uint32_t location)
{
	int former = find(site, location);
	return former < 0 ? 0 : inner_thread()->spin[former].source;
}

void spin_block(const void *site, uint32_t location)
{
	struct inner_thread *own = inner_thread();
	int former = find(site, location);
	for (unsigned i = former < 0 ? 0 : (unsigned)former; i < own->spin_count; i++)
		runtime->graph->events[own->spin[i].event].blocked = true;
}
