/* SPDX-License-Identifier: MIT */
/* One operation as one step: a scheduling point, the search's choice of source or place, the event. */
#include <stdio.h>
#include <string.h>

#include "amend.h"
#include "orders.h"
#include "runtime_private.h"

enum { CANDIDATES_MAX = 256 };

static bool wants_all(const struct operation *op)
{
	(void)op;
	return runtime->graph->full;
}

/* More stores than the lists take: what is left out makes no proof. */
static unsigned listed(unsigned count)
{
	if (count > CANDIDATES_MAX && runtime->graph->full) {
		runtime->lasting += !runtime->left_out;
		runtime->left_out = true;
	}
	return count < CANDIDATES_MAX ? count : CANDIDATES_MAX;
}

/* The stores that OP may return, newest first, as far as they let it go on; also those that block it in a full graph. A store that
 * another update has read already can still be returned by an update that will write nothing. */
static unsigned candidates(const struct operation *op, event_id *out)
{
	struct graph *g = runtime->graph;
	if (op->kind == EVENT_READ && !op->apply) {
		unsigned count = graph_sources(g, op->thread, op->location, op->order, false, out, CANDIDATES_MAX);
		return listed(count);
	}
	event_id reads[CANDIDATES_MAX], writes[CANDIDATES_MAX];
	unsigned count = 0, read = 0, write = 0, read_count, write_count = 0;
	read_count = graph_sources(g, op->thread, op->location, op->order_failed, false, reads, CANDIDATES_MAX);
	if (op->kind == EVENT_UPDATE)
		write_count = graph_sources(g, op->thread, op->location, op->order, true, writes, CANDIDATES_MAX);
	read_count = listed(read_count);
	write_count = listed(write_count);
	/* Merge: each list is in modification order, newest first. */
	while (read < read_count || write < write_count) {
		bool from_writes = read == read_count ||
				   (write < write_count && g->events[writes[write]].rank >= g->events[reads[read]].rank);
		event_id store = from_writes ? writes[write++] : reads[read++];
		uint64_t written;
		enum applied applied = op->apply(op, g->events[store].value, &written);
		if (applied == APPLIED_BLOCK && (!g->full || from_writes))
			continue;
		if ((applied == APPLIED_WRITE) == from_writes && count < CANDIDATES_MAX)
			out[count++] = store;
	}
	return count;
}

/* The search's choice among COUNT candidates. */
static event_id choose_source(const struct operation *op, const event_id *sources, unsigned count)
{
	const struct search_kind *kind = runtime->search->kind;
	uint32_t index = 0;
	struct inner_thread *own = inner_thread();
	/* A loop that reads what was there before again and again is no news to anybody. */
	bool enough = own->stale >= STALE_MAX && !runtime->graph->full && !kind->follows;
	if ((count > 1 || wants_all(op)) && kind->source && !runtime_fair() && !enough)
		index = kind->source(runtime->search, &runtime->moment, op, sources, count);
	own->stale += index != 0;
	if (index == SEARCH_GIVE_UP || index >= count)
		runtime_stop(ENDING_ABANDONED);
	return sources[index];
}

static event_id choose_place(const struct operation *op)
{
	const struct search_kind *kind = runtime->search->kind;
	event_id places[CANDIDATES_MAX];
	unsigned count = graph_places(runtime->graph, op->thread, op->location, op->order, places, CANDIDATES_MAX);
	count = listed(count);
	uint32_t index = 0;
	if ((count > 1 || wants_all(op)) && kind->place && !runtime_fair())
		index = kind->place(runtime->search, &runtime->moment, op, places, count);
	if (index == SEARCH_GIVE_UP || index >= count)
		runtime_stop(ENDING_ABANDONED);
	return places[index];
}

event_id step_write(const struct operation *op)
{
	runtime_moved();
	event_id event = graph_write(runtime->graph, op->thread, op->location, op->order, op->operand, choose_place(op));
	runtime_added(op, event);
	return event;
}

static void blocks_here(struct operation *op, event_id source)
{
	struct graph *g = runtime->graph;
	event_id id = graph_read(g, op->thread, op->location, op->order_failed, source);
	g->events[id].blocked = true;
	runtime_added(op, id);
	/* It does not spin: reads of before are no turn of a loop. */
	spin_effect();
	runtime_stuck();
}

/* The scheduling point before OP; a waiting operation comes back only when it can go on. Returns the candidates. */
static unsigned await_candidates(struct operation *op, event_id *sources)
{
	struct inner *in = inner();
	struct inner_thread *own = inner_thread();
	for (;;) {
		if (op->waits && !runtime->graph->full) {
			uint64_t written;
			const struct graph *g = runtime->graph;
			bool blocks = op->apply(op, g->events[g->locations[op->location].last].value, &written) == APPLIED_BLOCK;
			own->wait = blocks ? WAIT_OPERATION : WAIT_NONE;
			in->waiting = (in->waiting & ~(1ull << op->thread)) | (uint64_t)blocks << op->thread;
		}
		runtime->thread[op->thread].waiting = op->waits;
		runtime_schedule(op);
		own->wait = WAIT_NONE;
		in->waiting &= ~(1ull << op->thread);
		unsigned count = candidates(op, sources);
		if (count || runtime->graph->full || !op->waits)
			return count;
	}
}

/* Performs the read or update OP with the stores SOURCES; returns what it read. */
static uint64_t perform_read(struct operation *op, const event_id *sources, unsigned count, bool *wrote, event_id *event)
{
	struct graph *g = runtime->graph;
	event_id source = choose_source(op, sources, count);
	uint64_t value = g->events[source].value, written = 0;
	enum applied applied = op->apply ? op->apply(op, value, &written) : APPLIED_READ;
	if (applied == APPLIED_BLOCK)
		blocks_here(op, source);
	*wrote = applied == APPLIED_WRITE;
	if (*wrote)
		*event = graph_update(g, op->thread, op->location, op->order, source, written);
	else
		*event = graph_read(g, op->thread, op->location, op->apply ? op->order_failed : op->order, source);
	if (!*wrote)
		g->events[*event].value = value;
	spin_visited(op, source, *wrote);
	runtime_added(op, *event);
	return value;
}

static void locate(struct operation *op, uint64_t initial)
{
	struct graph *g = runtime->graph;
	op->thread = (uint16_t)runtime->current;
	op->location = graph_location(g, op->address, op->bytes, &initial);
	g->locations[op->location].chain |= op->chain;
	if (op->kind != EVENT_WRITE && op->order_failed == ORDER_PLAIN)
		op->order_failed = op->order == ORDER_ACQ_REL ? ORDER_ACQUIRE : op->order;
}

uint64_t runtime_perform(
	struct operation *op, uint64_t initial, bool *written, void (*describe)(void *arg, char *text, size_t bytes), void *arg)
{
	runtime_enter();
	struct thread *self = runtime_thread();
	locate(op, initial);
	self->describe = describe;
	self->ready_arg = arg;
	self->ready = NULL;
	bool wrote = true;
	uint64_t value = 0;
	event_id event;
	op->repeats = spin_repeats(op);
	uint64_t state = op->lock && op->waits ? spin_before_lock(op) : 0;
	if (op->kind == EVENT_WRITE) {
		runtime_schedule(op);
		event = step_write(op);
	} else {
		event_id sources[CANDIDATES_MAX];
		unsigned count = await_candidates(op, sources);
		runtime_moved();
		value = perform_read(op, sources, count, &wrote, &event);
	}
	self->waiting = false;
	if (op->lock && wrote)
		spin_locked(op, state, event);
	else
		spin_effect();
	if (written)
		*written = wrote;
	return value;
}

event_id runtime_step(enum step_tag tag, enum event_kind kind, enum order order, const void *site)
{
	amend_step(site);
	runtime_enter();
	struct operation op = {.kind = (uint8_t)kind,
		.tag = (uint8_t)tag,
		.order = (uint8_t)order,
		.thread = (uint16_t)runtime->current,
		.location = UINT32_MAX,
		.site = site};
	/* Only a fence has a place among other threads' steps that could matter; the rest is done where it is met. */
	if (kind == EVENT_FENCE)
		runtime_schedule(&op);
	runtime_moved();
	/* A fence orders what its thread did; a turn that did nothing does not do more for it. */
	if (kind != EVENT_FENCE || order == ORDER_SEQ_CST)
		spin_effect();
	event_id id = kind == EVENT_FENCE ? graph_fence(runtime->graph, op.thread, order)
					  : graph_plain(runtime->graph, op.thread, kind);
	runtime_added(&op, id);
	return id;
}

/* Memory that the program sees ------------------------------------------------------------------------------------------------------ */

static uint64_t memory_get(uint64_t address, uint32_t bytes)
{
	uint64_t value = 0;
	if (bytes == sizeof(struct wide_value))
		return wide_name(*(const struct wide_value *)address);
	memcpy(&value, (const void *)address, bytes);
	return value;
}

static void memory_put(uint64_t address, uint32_t bytes, uint64_t value)
{
	runtime_save((const void *)address, bytes);
	if (bytes == sizeof(struct wide_value))
		*(struct wide_value *)address = wide_value(value);
	else
		memcpy((void *)address, &value, bytes);
}

/* One thread alone: memory is the newest value of everything. Only locations that have events already need another. */
static bool atomic_quiet(struct operation *op, uint64_t *value, bool *wrote)
{
	if (!runtime->quiet)
		return false;
	bool known = graph_find(runtime->graph, op->address, op->bytes) != UINT32_MAX;
	if (op->kind != EVENT_READ && known)
		return false;
	*value = op->kind == EVENT_WRITE ? 0 : memory_get(op->address, op->bytes);
	uint64_t written = op->operand;
	*wrote = op->kind == EVENT_WRITE || (op->kind == EVENT_UPDATE && op->apply(op, *value, &written) == APPLIED_WRITE);
	if (*wrote)
		memory_put(op->address, op->bytes, written);
	return true;
}

/* NUMBER: the events of the thread before this one. Whoever knows this event knows the access. */
static void note_atomic_access(const struct operation *op, bool write, uint32_t number)
{
	/* Racing plain accesses are looked at as a whole: racing.c. */
	if (op->order == ORDER_PLAIN)
		return;
	struct race race;
	struct graph *g = runtime->graph;
	if (races_access(
		    op->address, op->bytes, write, true, false, op->thread, graph_clock(g, op->thread), number, op->site, &race))
		findings_race(&race, op->address, op->bytes, write, true, op->site);
}

/* Leaves the stores that are newer than FORMER and have another value: a thread that went round a loop without effect waits for news. */
static unsigned only_news(event_id former, event_id *sources, unsigned count)
{
	const struct graph *g = runtime->graph;
	unsigned news = 0;
	for (unsigned i = 0; i < count && g->events[sources[i]].rank > g->events[former].rank; i++)
		if (g->events[sources[i]].value != g->events[former].value)
			sources[news++] = sources[i];
	return news;
}

/* A test-and-set that found its bits set has stored what was there: it orders like any update, but a loop that does only this has had
 * no effect. */
static bool changed_nothing(const struct operation *op, uint64_t before, uint64_t after)
{
	return before == after && (op->tag == STEP_EXCHANGE || op->tag == STEP_FETCH_OR || op->tag == STEP_FETCH_AND);
}

/* What a loop's read does when it comes round again. Returns true if *VALUE was settled without an event. */
static bool spin_settles(struct operation *op, enum spin spin, bool *only_new)
{
	struct inner_thread *own = inner_thread();
	struct graph *g = runtime->graph;
	*only_new = false;
	if (spin == SPIN_NO)
		return false;
	if (spin == SPIN_SAME && g->full) {
		if (!spin_stops(op->site, op->location))
			return false;
		spin_block(op->site, op->location);
		runtime_stuck();
	}
	if (spin == SPIN_SAME) {
		*only_new = true;
		own->wait = WAIT_NEWS;
		inner()->waiting |= 1ull << op->thread;
		return false;
	}
	runtime->counted_loops = true;
	/* A bounded loop: the same again, without an event, until it ends by itself. */
	if (++own->spin_turns > SPIN_TURNS_MAX)
		spin_block(op->site, op->location);
	if (own->spin_turns > SPIN_TURNS_MAX)
		runtime_stuck();
	if (g->full)
		return true;
	own->yields = true;
	runtime_schedule(op);
	own->yields = false;
	return !spin_has_news(op->thread);
}

/* A read, or an update that may end as one, which a loop may repeat. Returns false if *VALUE was settled without an event. */
static bool read_in_loop(struct operation *op, uint64_t *value, bool *wrote, event_id *event)
{
	const struct graph *g = runtime->graph;
	uint64_t state;
	bool only_new;
	enum spin spin = spin_before(op->site, op->location, &state);
	op->repeats = spin_repeats(op);
	if (spin_settles(op, spin, &only_new)) {
		*value = g->events[spin_former(op->site, op->location)].value;
		return false;
	}
	runtime_schedule(op);
	inner_thread()->wait = WAIT_NONE;
	inner()->waiting &= ~(1ull << op->thread);
	runtime_moved();
	event_id sources[CANDIDATES_MAX];
	unsigned count = candidates(op, sources);
	event_id former = only_new ? spin_former(op->site, op->location) : 0;
	event_id news[CANDIDATES_MAX];
	if (former) {
		memcpy(news, sources, count * sizeof *news);
		unsigned newer = only_news(former, news, count);
		count = newer ? newer : count;
		former = newer ? former : 0;
	}
	*value = perform_read(op, former ? news : sources, count, wrote, event);
	if (!*wrote)
		spin_after(op->site, op->location, state, *event, g->events[*event].source);
	else if (changed_nothing(op, *value, g->events[*event].value))
		spin_after(op->site, op->location, state, *event, *event);
	else if (op->lock)
		spin_locked(op, state, *event);
	else
		spin_effect();
	return true;
}

uint64_t runtime_poll(struct operation *op, uint64_t initial, bool *written)
{
	runtime_enter();
	locate(op, initial);
	uint64_t value;
	event_id event;
	if (!read_in_loop(op, &value, written, &event))
		*written = false;
	if (op->lock && !*written)
		spin_found_held(op->address);
	return value;
}

/* A location is met for the first time: later plain stores must know. Atomic accesses of different sizes to one object would be two
 * locations, and what one stores the other would not read. */
static void meet_location(const struct operation *op)
{
	const struct graph *g = runtime->graph;
	uint64_t granule = op->address & ~7ull;
	racing_know(op->address);
	if (op->order == ORDER_PLAIN)
		return;
	if (op->bytes > 8)
		racing_know(op->address + 8);
	if (op->bytes <= 8 && graph_find(g, op->address & ~15ull, 16) != UINT32_MAX)
		runtime_uncontrolled("accesses of different sizes to one atomic object");
	for (uint32_t bytes = 1; bytes <= 8; bytes *= 2)
		for (uint64_t at = granule; at < granule + (op->bytes > 8 ? op->bytes : 8); at += bytes) {
			bool overlaps = at < op->address + op->bytes && op->address < at + bytes;
			uint32_t other = overlaps && bytes != op->bytes ? graph_find(g, at, bytes) : UINT32_MAX;
			if (other != UINT32_MAX && !g->locations[other].chain)
				runtime_uncontrolled("accesses of different sizes to one atomic object");
		}
}

/* The location of OP in the program's memory. */
static void locate_memory(struct operation *op)
{
	struct graph *g = runtime->graph;
	uint64_t initial = memory_get(op->address, op->bytes);
	uint32_t locations = g->location_count;
	op->location = graph_location(g, op->address, op->bytes, &initial);
	if (g->location_count != locations)
		meet_location(op);
}

event_id step_store_later(struct operation *op)
{
	runtime_enter();
	op->thread = (uint16_t)runtime->current;
	locate_memory(op);
	op->operand = memory_get(op->address, op->bytes);
	runtime_schedule(op);
	note_atomic_access(op, true, runtime->graph->done[op->thread]);
	event_id event = step_write(op);
	spin_effect();
	return event;
}

static enum applied apply_later(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = value;
	return APPLIED_WRITE;
}

event_id step_update_later(struct operation *op, uint64_t *value)
{
	runtime_enter();
	op->thread = (uint16_t)runtime->current;
	op->apply = apply_later;
	op->order_failed = op->order == ORDER_ACQ_REL ? ORDER_ACQUIRE : op->order == ORDER_RELEASE ? ORDER_RELAXED : op->order;
	locate_memory(op);
	runtime_schedule(op);
	runtime_moved();
	event_id sources[CANDIDATES_MAX], event;
	unsigned count = candidates(op, sources);
	bool wrote;
	*value = perform_read(op, sources, count, &wrote, &event);
	note_atomic_access(op, true, runtime->graph->done[op->thread] - 1);
	spin_effect();
	return event;
}

uint64_t runtime_atomic(struct operation *op, bool *written)
{
	runtime_enter();
	op->thread = (uint16_t)runtime->current;
	if (orders_watched() && op->order != ORDER_PLAIN)
		orders_apply(op);
	bool wrote = false;
	uint64_t value = 0;
	if (atomic_quiet(op, &value, &wrote)) {
		if (written)
			*written = wrote;
		return value;
	}
	struct graph *g = runtime->graph;
	locate_memory(op);
	event_id event;
	if (op->kind == EVENT_WRITE) {
		runtime_schedule(op);
		note_atomic_access(op, true, g->done[op->thread]);
		event = step_write(op);
		wrote = true;
		spin_effect();
	} else {
		if (!read_in_loop(op, &value, &wrote, &event)) {
			if (written)
				*written = false;
			return value;
		}
		note_atomic_access(op, wrote, g->done[op->thread] - 1);
	}
	if (wrote) {
		if (g->locations[op->location].last == event)
			memory_put(op->address, op->bytes, g->events[event].value);
	}
	if (written)
		*written = wrote;
	return value;
}
