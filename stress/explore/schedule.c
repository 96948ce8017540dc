/* SPDX-License-Identifier: MIT */
/* Schedules are taken from the graph of an execution: in the order of its events if that is how they were performed; an exhaustive
 * search adds events to a full graph in an order of its own, and of those the most ordinary order is looked for.
 */
#include "schedule.h"

#include <stdlib.h>
#include <string.h>

void schedule_free(struct schedule *schedule)
{
	free(schedule->steps);
	*schedule = (struct schedule){0};
}

bool schedule_copy(struct schedule *to, const struct schedule *from)
{
	struct schedule_step *steps = malloc((from->count ? from->count : 1) * sizeof *steps);
	if (!steps)
		return false;
	if (from->count)
		memcpy(steps, from->steps, from->count * sizeof *steps);
	*to = (struct schedule){.count = from->count, .steps = steps};
	return true;
}

unsigned schedule_stale(const struct schedule *schedule)
{
	unsigned stale = 0;
	for (uint32_t i = 0; i < schedule->count; i++) {
		stale += schedule->steps[i].source_thread != SCHEDULE_NEWEST;
		stale += schedule->steps[i].place_thread != SCHEDULE_NEWEST;
	}
	return stale;
}

unsigned schedule_unusual(const struct schedule *schedule)
{
	unsigned unusual = 0;
	for (uint32_t i = 0; i < schedule->count; i++)
		unusual += schedule->steps[i].choice > 1;
	return unusual;
}

unsigned schedule_switches(const struct schedule *schedule)
{
	unsigned switches = 0;
	for (uint32_t i = 1; i < schedule->count; i++)
		switches += schedule->steps[i].thread != schedule->steps[i - 1].thread;
	return switches;
}

/* Orders ------------------------------------------------------------------------------------------------------------------------- */

static bool is_store(const struct event *e)
{
	return e->kind == EVENT_WRITE || e->kind == EVENT_UPDATE || e->kind == EVENT_INITIAL;
}

static bool is_read(const struct event *e)
{
	return e->kind == EVENT_READ || e->kind == EVENT_UPDATE;
}

struct ordering {
	const struct graph *g;
	bool *placed;      /* by event */
	uint32_t *waiting; /* by store: reads of it that are not placed, without updates */
	uint32_t *list;    /* events by thread, in program order */
	uint32_t first[GRAPH_THREADS_MAX + 1], done[GRAPH_THREADS_MAX];
};

/* How well can the event come next? */
enum fit {
	FIT_NOT,    /* its source is not there yet */
	FIT_BEFORE, /* it would be stored behind a store that does not exist yet: others would come between */
	FIT_SPOILS, /* somebody is still to read the store that it covers: that read would be stale */
	FIT_WELL,
};

static enum fit fit(const struct ordering *o, event_id id)
{
	const struct event *e = &o->g->events[id];
	if (e->source && !o->placed[e->source])
		return FIT_NOT;
	if (!is_store(e) || !e->before)
		return FIT_WELL;
	if (!o->placed[e->before])
		return FIT_BEFORE;
	return o->waiting[e->before] ? FIT_SPOILS : FIT_WELL;
}

/* The next event: the best fit; among equals the thread that moved last, then the lowest. 0: none is left. */
static event_id best_next(const struct ordering *o, unsigned current)
{
	event_id best = 0;
	enum fit best_fit = FIT_NOT;
	for (unsigned i = 0; i < o->g->threads; i++) {
		unsigned t = i == 0 ? current : i <= current ? i - 1 : i;
		if (o->first[t] + o->done[t] >= o->first[t + 1])
			continue;
		event_id id = o->list[o->first[t] + o->done[t]];
		enum fit now = fit(o, id);
		if (now > best_fit) {
			best = id;
			best_fit = now;
		}
	}
	return best;
}

static void sort_into_threads(struct ordering *o)
{
	const struct graph *g = o->g;
	for (event_id id = 1; id <= g->count; id++)
		if (g->events[id].kind != EVENT_INITIAL && !g->events[id].blocked)
			o->first[g->events[id].thread + 1]++;
	for (unsigned t = 0; t < GRAPH_THREADS_MAX; t++)
		o->first[t + 1] += o->first[t];
	/* Numbers start at 1 in every thread and have no gaps; blocked reads are the last of their threads. */
	for (event_id id = 1; id <= g->count; id++) {
		const struct event *e = &g->events[id];
		if (e->kind == EVENT_INITIAL)
			o->placed[id] = true;
		else if (!e->blocked)
			o->list[o->first[e->thread] + e->number - 1] = id;
		if (e->kind == EVENT_READ && !e->blocked)
			o->waiting[e->source]++;
	}
}

/* Puts the events of a full graph into an order in which each read finds its store, and that is as ordinary as may be: no read is
 * stale, no store comes late, unless the execution is a weak one (Kahn's topological sort, giving way where the model's weakness shows). */
static uint32_t ordinary_order(const struct graph *g, event_id *out)
{
	struct ordering o = {.g = g};
	uint32_t count = 0;
	size_t room = g->count + 1u;
	o.placed = calloc(room, sizeof *o.placed);
	o.waiting = calloc(room, sizeof *o.waiting);
	o.list = calloc(room, sizeof *o.list);
	if (o.placed && o.waiting && o.list) {
		unsigned current = 0;
		sort_into_threads(&o);
		for (event_id id; (id = best_next(&o, current)) != 0;) {
			const struct event *e = &g->events[id];
			o.placed[id] = true;
			o.done[current = e->thread]++;
			if (e->kind == EVENT_READ)
				o.waiting[e->source]--;
			out[count++] = id;
		}
	}
	free(o.placed);
	free(o.waiting);
	free(o.list);
	return count;
}

static uint32_t natural_order(const struct graph *g, event_id *out)
{
	uint32_t count = 0;
	for (event_id id = 1; id <= g->count; id++)
		if (g->events[id].kind != EVENT_INITIAL && !g->events[id].blocked)
			out[count++] = id;
	return count;
}

/* Steps -------------------------------------------------------------------------------------------------------------------------- */

/* Writes down event E; NEWEST: the newest store on each location so far. */
static struct schedule_step step_of(const struct graph *g, const struct event *e, event_id id, event_id *newest)
{
	struct schedule_step step = {.thread = e->thread,
		.kind = e->kind,
		.tag = e->tag,
		.source_thread = SCHEDULE_NEWEST,
		.place_thread = SCHEDULE_NEWEST,
		.choice = e->kind == EVENT_LOCAL && e->tag == STEP_CHOICE ? (uint32_t)e->value : 0};
	if (e->location == UINT32_MAX)
		return step;
	event_id *last = &newest[e->location];
	if (!*last)
		*last = g->locations[e->location].initial;
	if (is_read(e) && e->source != *last) {
		step.source_thread = g->events[e->source].thread;
		step.source_number = g->events[e->source].number;
	}
	if (!is_store(e))
		return step;
	bool newer = g->events[*last].rank < e->rank;
	if (e->kind == EVENT_WRITE && !newer) {
		step.place_thread = g->events[e->before].thread;
		step.place_number = g->events[e->before].number;
	}
	if (newer)
		*last = id;
	return step;
}

bool schedule_take(struct schedule *schedule)
{
	const struct graph *g = runtime->graph;
	event_id *order = malloc((g->count + 1u) * sizeof *order);
	event_id *newest = calloc(g->location_count + 1u, sizeof *newest);
	struct schedule_step *steps = malloc((g->count + 1u) * sizeof *steps);
	bool ok = order && newest && steps;
	if (ok) {
		uint32_t count = g->full ? ordinary_order(g, order) : natural_order(g, order);
		for (uint32_t i = 0; i < count; i++)
			steps[i] = step_of(g, &g->events[order[i]], order[i], newest);
		*schedule = (struct schedule){.count = count, .steps = steps};
	} else {
		free(steps);
	}
	free(order);
	free(newest);
	return ok;
}
