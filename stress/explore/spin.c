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
	hash = (hash ^ inner_thread()->held) * 0xff51afd7ed558ccdu + (hash >> 29);
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

/* Forgets what lies before the turn that began with read FORMER, and FORMER itself: it is to be noted anew. */
static void turn_over(int former)
{
	struct inner_thread *own = inner_thread();
	unsigned kept = own->spin_count - (unsigned)former - 1;
	for (unsigned i = 0; i < kept; i++)
		own->spin[i] = own->spin[(unsigned)former + 1 + i];
	own->spin_count = kept;
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

/* Does the thread hold a lock that the turn which began with read FORMER gave back and took again? Here it must not wait for news: those
 * who would bring it may need the lock. The turn comes by places where the thread has it not. */
static bool holds_meanwhile(int former)
{
	const struct inner_thread *own = inner_thread();
	for (unsigned i = (unsigned)former; i < own->spin_count; i++) {
		bool held = false;
		for (unsigned k = i; own->spin[i].gave && k < own->spin_count; k++)
			if (own->spin[k].lock && own->spin[k].location == own->spin[i].location)
				held = !own->spin[k].gave;
		if (held)
			return true;
	}
	return false;
}

enum spin spin_before(const void *site, uint32_t location, uint64_t *state)
{
	struct inner_thread *own = inner_thread();
	int former = find(site, location);
	*state = runtime->graph->full || former >= 0 ? state_now() : 0;
	if (former < 0)
		return SPIN_NO;
	if (*state && own->spin[former].state == *state && !holds_meanwhile(former))
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
		turn_over(former);
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

/* Locks. A turn that takes locks and gives them back changes nothing either, as long as nobody else looks: what it read under them can
 * be another thing next time only if somebody else had one of them meanwhile. Such a turn can be taken out of an execution; what is left
 * is one, too, in which less is ordered, and the rest is as it was. So an exhaustive search needs none of them. That does not hold for a
 * lock which others try to take, as they see when it is held: there the turns are explored up to a bound. */

/* Does the turn that began with read FORMER take locks? SEEN: that others try? */
static bool turn_locks(const struct inner_thread *own, int former, bool seen)
{
	const struct inner *in = inner();
	for (unsigned i = former < 0 ? 0 : (unsigned)former; i < own->spin_count; i++) {
		if (!own->spin[i].lock)
			continue;
		if (!seen)
			return true;
		uint64_t address = runtime->graph->locations[own->spin[i].location].address;
		for (unsigned k = 0; k < in->tried_count; k++)
			if (in->tried[k] == address)
				return true;
	}
	return false;
}

void spin_found_held(uint64_t location)
{
	struct inner *in = inner();
	for (unsigned i = 0; i < in->tried_count; i++)
		if (in->tried[i] == location)
			return;
	if (in->tried_count == TRIED_LOCKS_MAX)
		return;
	in->tried[in->tried_count++] = location;
	/* Turns were left out that this thread would have seen: the search must begin again. */
	runtime->reshaped += in->turns_left_out;
	runtime->lasting++;
}

static bool stops(int former)
{
	struct inner_thread *own = inner_thread();
	if (!turn_locks(own, former, false))
		return true;
	inner()->turns_left_out = true;
	if (!turn_locks(own, former, true)) {
		own->turn_from = runtime->graph->events[own->spin[former].event].number;
		return true;
	}
	runtime->bounded_turns = true;
	return ++own->seen_turns > SEEN_TURNS;
}

bool spin_stops(const void *site, uint32_t location)
{
	int former = find(site, location);
	return former < 0 || stops(former);
}

uint64_t spin_before_lock(const struct operation *op)
{
	struct inner_thread *own = inner_thread();
	int former = find(op->site, op->location);
	bool full = runtime->graph->full;
	uint64_t state = full || former >= 0 ? state_now() : 0;
	if (former < 0 || !state || own->spin[former].state != state || holds_meanwhile(former))
		return state;
	if (full && !stops(former))
		return state;
	/* Only the turn that is over says what is news. */
	if (former > 0)
		turn_over(former - 1);
	if (full)
		runtime_stuck();
	own->turn_from = runtime->graph->events[own->spin[0].event].number;
	own->wait = WAIT_NEWS;
	inner()->waiting |= 1ull << op->thread;
	runtime_schedule(op);
	own->wait = WAIT_NONE;
	inner()->waiting &= ~(1ull << op->thread);
	own->turn_from = 0;
	return state;
}

void spin_locked(const struct operation *op, uint64_t state, event_id event)
{
	struct inner_thread *own = inner_thread();
	bool gives = op->tag == STEP_UNLOCK || op->tag == STEP_RW_UNLOCK || op->tag == STEP_SPIN_UNLOCK;
	uint64_t name = (op->address ^ op->address >> 7) * 0x9e3779b97f4a7c15u;
	own->held += gives ? -name : name;
	int former = find(op->site, op->location);
	if (former >= 0)
		turn_over(former);
	if (own->spin_count == SPIN_READS_MAX)
		own->spin_count = 0;
	own->spin_turns = 0;
	own->spin[own->spin_count++] = (struct spin_read){.site = op->site,
		.location = op->location,
		.event = event,
		.source = runtime->graph->events[event].source,
		.news = true,
		.lock = true,
		.tried = op->tag == STEP_TRYLOCK || op->tag == STEP_SPIN_TRYLOCK,
		.gave = gives,
		.state = state};
}

/* Was the store E made in a turn of a loop that had no effect? */
static bool is_idle(const struct event *e)
{
	if (e->thread == GRAPH_NOBODY)
		return false;
	const struct inner_thread *its = &inner()->thread[e->thread];
	return (its->wait == WAIT_NEWS || its->wait == WAIT_STUCK) && its->turn_from && e->number >= its->turn_from;
}

static bool lock_is_news(const struct spin_read *lock)
{
	const struct graph *g = runtime->graph;
	const struct event *own = &g->events[lock->event];
	for (event_id e = g->locations[lock->location].last; e && e != lock->event; e = g->events[e].before) {
		if (g->events[e].thread == own->thread)
			return false;
		if (!is_idle(&g->events[e]))
			return true;
	}
	return false;
}

bool spin_tries(unsigned t)
{
	const struct inner_thread *own = &inner()->thread[t];
	for (unsigned i = 0; i < own->spin_count; i++)
		if (own->spin[i].tried)
			return true;
	return false;
}

bool spin_is_news(const struct spin_read *read)
{
	const struct graph *g = runtime->graph;
	if (read->lock)
		return lock_is_news(read);
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
	/* Locks were taken and given back behind what was read. */
	if (turn_locks(own, former, false)) {
		if (former > 0)
			turn_over(former - 1);
		return;
	}
	for (unsigned i = former < 0 ? 0 : (unsigned)former; i < own->spin_count; i++)
		runtime->graph->events[own->spin[i].event].blocked = true;
}

/* Loops with an effect in each turn, which go on until they are told to stop. An exhaustive search could let them turn for ever: each turn
 * is another execution. When one is met, the search begins again, and from then on only the first turns are explored in all ways. */

static struct visit *visited(const struct operation *op)
{
	struct inner_thread *own = inner_thread();
	for (unsigned i = 0; i < own->visits && i < VISITS_MAX; i++)
		if (own->visit[i].site == op->site && own->visit[i].location == op->location)
			return &own->visit[i];
	return NULL;
}

bool spin_repeats(const struct operation *op)
{
	const struct visit *v = runtime->graph->full && runtime->bounded_loops ? visited(op) : NULL;
	return v && v->turns >= LOOP_TURNS;
}

void spin_visited(const struct operation *op, event_id source, bool wrote)
{
	if (!runtime->graph->full || runtime->quiet)
		return;
	struct inner_thread *own = inner_thread();
	struct visit *v = visited(op);
	if (!v) {
		v = &own->visit[own->visits++ % VISITS_MAX];
		*v = (struct visit){.site = op->site, .location = op->location, .source = source};
		return;
	}
	/* What writes reads another store each time; that is no news. */
	v->turns = wrote || v->source == source ? v->turns + 1 : 0;
	v->source = source;
	if (v->turns < LOOP_ENDLESS || runtime->bounded_loops)
		return;
	runtime->bounded_loops = true;
	runtime->lasting++;
	runtime->reshaped++;
}
