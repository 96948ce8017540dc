/* SPDX-License-Identifier: MIT */
/* Follows a recorded schedule; behind its end, and where it cannot be followed, the plain way: no preemptions, newest stores.
 *
 * A schedule gives the order in which threads move, and for each thread's steps, in the thread's own order, what was read, where it was
 * stored, what was chosen. Plain accesses that race are steps only once the race is known: such steps may be missing, or there may be
 * more of them, without anything being wrong.
 */

#include "explore.h"
#include "memory.h"
#include "schedule.h"
#include "searches.h"

struct replay_search {
	struct search search;
	const struct schedule *schedule;
	bool strict;
	uint32_t ordered; /* steps whose order is followed */
	uint32_t next;    /* the first of them that is not done */
	uint32_t diverged;
	unsigned preemptions;
	/* own[first[t] .. first[t + 1] - 1]: indices of thread t's steps. */
	uint32_t *own, first[GRAPH_THREADS_MAX + 1];
	uint32_t done[GRAPH_THREADS_MAX]; /* how many of them */
	event_id *event;                  /* by index in the schedule: what was performed for it; 0: nothing yet */
	bool *gone;                       /* performed, or skipped */
};

static const struct schedule_step *current_step(const struct replay_search *r, unsigned thread, uint32_t *index)
{
	uint32_t at = r->first[thread] + r->done[thread];
	if (at >= r->first[thread + 1])
		return NULL;
	*index = r->own[at];
	return &r->schedule->steps[*index];
}

static bool racy(unsigned tag)
{
	return tag == STEP_RACY_READ || tag == STEP_RACY_WRITE;
}

static void finish(struct replay_search *r, unsigned thread, uint32_t index, event_id event)
{
	r->gone[index] = true;
	r->event[index] = event;
	r->done[thread]++;
}

/* The recorded step that THREAD's step with TAG is a repetition of. NULL: none; the record has no such racing access, or no more. */
static const struct schedule_step *match(struct replay_search *r, unsigned thread, unsigned tag, uint32_t *index)
{
	const struct schedule_step *step = current_step(r, thread, index);
	while (step && step->tag != tag && racy(step->tag)) {
		finish(r, thread, *index, 0);
		step = current_step(r, thread, index);
	}
	return step && step->tag != tag && racy(tag) ? NULL : step;
}

/* Notes that the program goes another way than the record from step INDEX on. Returns whether to go on anyway. */
static bool tolerated(struct replay_search *r, uint32_t index)
{
	if (r->diverged == UINT32_MAX)
		r->diverged = index;
	return !r->strict;
}

static bool replay_begin(struct search *s, const struct moment *at)
{
	(void)at;
	struct replay_search *r = (struct replay_search *)s;
	r->next = 0;
	r->diverged = UINT32_MAX;
	r->preemptions = 0;
	for (unsigned t = 0; t < GRAPH_THREADS_MAX; t++)
		r->done[t] = 0;
	for (uint32_t i = 0; i < r->schedule->count; i++) {
		r->event[i] = 0;
		r->gone[i] = false;
	}
	return true;
}

/* Can OP go on with the newest store? In a full graph threads may move that would only block. */
static bool goes_on(const struct moment *at, unsigned thread)
{
	const struct operation *op = &at->pending[thread];
	const struct graph *g = at->graph;
	uint64_t written;
	if (!op->waits || !op->apply || op->location == UINT32_MAX)
		return true;
	return op->apply(op, g->events[g->locations[op->location].last].value, &written) != APPLIED_BLOCK;
}

static unsigned plain_way(const struct moment *at)
{
	struct moment able = {.enabled = at->enabled, .current = at->current, .current_yields = at->current_yields};
	for (uint64_t left = at->graph && at->graph->full ? at->enabled : 0; left; left &= left - 1)
		if (!goes_on(at, (unsigned)__builtin_ctzll(left)))
			able.enabled &= ~(left & -left);
	if (!able.enabled)
		able.enabled = at->enabled;
	return search_plain_thread(&able);
}

/* A thread that can move without a step: one that gives way, or sleeps. */
static unsigned silent_thread(const struct moment *at)
{
	for (uint64_t left = at->enabled; left; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		if (at->pending[t].tag == STEP_YIELD || at->pending[t].tag == STEP_SLEEP)
			return t;
	}
	return UINT32_MAX;
}

static unsigned wanted_thread(struct replay_search *r, const struct moment *at)
{
	for (;;) {
		while (r->next < r->ordered && r->gone[r->next])
			r->next++;
		if (r->next == r->ordered)
			return plain_way(at);
		const struct schedule_step *step = &r->schedule->steps[r->next];
		unsigned t = step->thread;
		if (search_enabled(at, t)) {
			uint32_t index = r->next;
			const struct schedule_step *own = match(r, t, at->pending[t].tag, &index);
			if (r->gone[r->next])
				continue;
			bool silent = at->pending[t].tag == STEP_YIELD || at->pending[t].tag == STEP_SLEEP;
			if (own && own->tag != at->pending[t].tag && !silent && !tolerated(r, index))
				return SEARCH_GIVE_UP;
			return t;
		}
		unsigned silent = silent_thread(at);
		if (silent != UINT32_MAX)
			return silent;
		if (!racy(step->tag) && !tolerated(r, r->next))
			return SEARCH_GIVE_UP;
		r->next++;
	}
}

static unsigned replay_thread(struct search *s, const struct moment *at)
{
	struct replay_search *r = (struct replay_search *)s;
	unsigned thread = wanted_thread(r, at);
	if (thread != SEARCH_GIVE_UP && search_preempts(at, thread))
		r->preemptions++;
	return thread;
}

/* The thread did a step with TAG, which is not the one recorded: does it come a little later? Then those before it are left out; else
 * the step is taken for one more. */
static bool catch_up(struct replay_search *r, unsigned thread, unsigned tag, uint32_t *index)
{
	enum { LOOK_AHEAD = 8 };
	uint32_t from = r->first[thread] + r->done[thread];
	for (uint32_t i = from + 1; i < r->first[thread + 1] && i <= from + LOOK_AHEAD; i++) {
		if (r->schedule->steps[r->own[i]].tag != tag)
			continue;
		while (r->own[r->first[thread] + r->done[thread]] != r->own[i])
			finish(r, thread, r->own[r->first[thread] + r->done[thread]], 0);
		*index = r->own[i];
		return true;
	}
	return false;
}

static bool replay_added(struct search *s, const struct moment *at, const struct operation *op, event_id id)
{
	(void)at;
	struct replay_search *r = (struct replay_search *)s;
	uint32_t index;
	const struct schedule_step *step = match(r, op->thread, op->tag, &index);
	if (!step)
		return true;
	if (step->tag != op->tag && !tolerated(r, index))
		return false;
	if (step->tag == op->tag || catch_up(r, op->thread, op->tag, &index))
		finish(r, op->thread, index, id);
	return true;
}

/* Which of STORES is the one with NUMBER in THREAD of the recorded execution? */
static uint32_t find_store(const struct replay_search *r, const struct moment *at, unsigned thread, uint32_t number,
	const event_id *stores, unsigned count)
{
	event_id wanted = 0;
	if (thread < GRAPH_THREADS_MAX && number >= 1 && number <= r->first[thread + 1] - r->first[thread])
		wanted = r->event[r->own[r->first[thread] + number - 1]];
	for (uint32_t i = 0; i < count; i++)
		if (thread == GRAPH_NOBODY ? at->graph->events[stores[i]].kind == EVENT_INITIAL : wanted && stores[i] == wanted)
			return i;
	return UINT32_MAX;
}

static uint32_t replay_store(struct replay_search *r, const struct moment *at, const struct operation *op, const event_id *stores,
	unsigned count, bool place)
{
	uint32_t index;
	if (count == 0)
		return SEARCH_GIVE_UP;
	const struct schedule_step *step = match(r, op->thread, op->tag, &index);
	if (!step || step->tag != op->tag)
		return 0;
	unsigned thread = place ? step->place_thread : step->source_thread;
	if (thread == SCHEDULE_NEWEST)
		return 0;
	uint32_t found = find_store(r, at, thread, place ? step->place_number : step->source_number, stores, count);
	if (found != UINT32_MAX)
		return found;
	return tolerated(r, index) ? 0 : SEARCH_GIVE_UP;
}

static uint32_t replay_source(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *sources, unsigned count)
{
	return replay_store((struct replay_search *)s, at, op, sources, count, false);
}

static uint32_t replay_place(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *places, unsigned count)
{
	return replay_store((struct replay_search *)s, at, op, places, count, true);
}

static uint32_t replay_choice(struct search *s, const struct moment *at, unsigned thread, unsigned count)
{
	(void)at;
	struct replay_search *r = (struct replay_search *)s;
	uint32_t index;
	const struct schedule_step *step = match(r, thread, STEP_CHOICE, &index);
	if (!step || step->tag != STEP_CHOICE || step->choice == 0 || step->choice > count)
		return step && !tolerated(r, index) ? SEARCH_GIVE_UP : 0;
	return step->choice - 1;
}

static void replay_close(struct search *s)
{
	struct replay_search *r = (struct replay_search *)s;
	memory_free(r->own);
	memory_free(r->event);
	memory_free(r->gone);
}

static const struct search_kind replay_kinds[2] = {
	{
		.name = "replay",
		.about = "a recorded schedule",
		.bytes = sizeof(struct replay_search),
		.begin = replay_begin,
		.thread = replay_thread,
		.source = replay_source,
		.place = replay_place,
		.choice = replay_choice,
		.added = replay_added,
		.close = replay_close,
	},
	{
		.name = "replay",
		.about = "a recorded schedule, of an execution that only a full graph allows",
		.full_graph = true,
		.follows = true,
		.bytes = sizeof(struct replay_search),
		.begin = replay_begin,
		.thread = replay_thread,
		.source = replay_source,
		.place = replay_place,
		.choice = replay_choice,
		.added = replay_added,
		.close = replay_close,
	},
};

static bool sort_by_thread(struct replay_search *r)
{
	const struct schedule *schedule = r->schedule;
	size_t room = schedule->count ? schedule->count : 1;
	r->own = memory_calloc(room, sizeof *r->own);
	r->event = memory_calloc(room, sizeof *r->event);
	r->gone = memory_calloc(room, sizeof *r->gone);
	if (!r->own || !r->event || !r->gone)
		return false;
	for (uint32_t i = 0; i < schedule->count; i++)
		r->first[schedule->steps[i].thread + 1]++;
	for (unsigned t = 0; t < GRAPH_THREADS_MAX; t++)
		r->first[t + 1] += r->first[t];
	for (uint32_t i = 0; i < schedule->count; i++) {
		unsigned t = schedule->steps[i].thread;
		r->own[r->first[t] + r->done[t]++] = i;
	}
	return true;
}

struct search *search_replay_first(const struct schedule *schedule, uint32_t ordered, bool strict, bool full)
{
	struct replay_search *r = (struct replay_search *)search_open(&replay_kinds[full], 0, 1, 1);
	if (!r)
		return NULL;
	r->schedule = schedule;
	r->ordered = ordered < schedule->count ? ordered : schedule->count;
	r->strict = strict;
	r->diverged = UINT32_MAX;
	if (sort_by_thread(r))
		return &r->search;
	search_close(&r->search);
	return NULL;
}

struct search *search_replay(const struct schedule *schedule, bool strict)
{
	return search_replay_first(schedule, UINT32_MAX, strict, false);
}

uint32_t search_replay_diverged(const struct search *s)
{
	return ((const struct replay_search *)s)->diverged;
}

unsigned search_replay_preemptions(const struct search *s)
{
	return ((const struct replay_search *)s)->preemptions;
}
