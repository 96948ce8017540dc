/* SPDX-License-Identifier: MIT */
/* Findings of one execution: noting them, and what it means that nobody can move. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime_private.h"
#include "sync.h"

const char *finding_kind_name(enum finding_kind kind)
{
	static const char *const names[] = {
		[FINDING_DATA_RACE] = "data-race",
		[FINDING_FORBIDDEN_OUTCOME] = "forbidden-outcome",
		[FINDING_ASSERTION] = "assertion",
		[FINDING_DEADLOCK] = "deadlock",
		[FINDING_LIVELOCK] = "livelock",
		[FINDING_LOST_WAKEUP] = "lost-wakeup",
		[FINDING_USE_AFTER_FREE] = "use-after-free",
		[FINDING_DOUBLE_FREE] = "double-free",
		[FINDING_LEAK] = "leak",
		[FINDING_MISUSE] = "misuse",
		[FINDING_CRASH] = "crash",
		[FINDING_NONDETERMINISM] = "nondeterminism",
	};
	return names[kind];
}

unsigned runtime_frames(unsigned thread, const void *site, const void **frame)
{
	const struct thread *t = &runtime->thread[thread];
	unsigned count = 0;
	frame[count++] = site;
	unsigned depth = t->depth < CALLS_MAX ? t->depth : CALLS_MAX;
	/* The outermost call is the runtime's own. */
	for (unsigned i = depth; i-- > 0 && count < FRAMES_MAX;)
		frame[count++] = t->calls[i];
	return count;
}

struct place runtime_place(const void *site, const char *format, ...)
{
	struct place place = {.thread = runtime->current};
	va_list args;
	va_start(args, format);
	vsnprintf(place.role, sizeof place.role, format, args);
	va_end(args);
	place.frame_count = runtime_frames(runtime->current, site, place.frame);
	return place;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x9e3779b97f4a7c15u ^ hash >> 31;
}

/* Scatters: the sum of two sites must not be that of two others, and functions that are alike have sites at the same distances. The
 * finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t scattered(uint64_t value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
	value = (value ^ value >> 27) * 0x94d049bb133111ebu;
	return value ^ value >> 31;
}

/* What makes two findings the same: the kind, and the sites in whatever order they came. */
static uint64_t key_of(enum finding_kind kind, const struct place *places, unsigned count)
{
	extern const char __executable_start[];
	uint64_t sum = 0;
	for (unsigned i = 0; i < count; i++)
		sum += scattered((uint64_t)places[i].frame[0] - (uint64_t)__executable_start);
	return mix(mix(0x5851f42d4c957f2du, kind), sum);
}

bool runtime_finding(enum finding_kind kind, const struct place *places, unsigned count, const char *format, ...)
{
	count = count < PLACES_MAX ? count : PLACES_MAX;
	uint64_t key = key_of(kind, places, count);
	for (unsigned i = 0; i < runtime->findings; i++)
		if (runtime->finding[i].key == key)
			return false;
	if (runtime->findings == FINDINGS_MAX)
		return false;
	struct finding *f = &runtime->finding[runtime->findings++];
	memset(f, 0, sizeof *f);
	f->kind = kind;
	f->key = key;
	f->noted = inner()->recorded_count;
	f->step = runtime->moment.steps;
	f->outcome = UINT32_MAX;
	f->after_race = runtime->raced && kind != FINDING_DATA_RACE;
	f->place_count = count;
	for (unsigned i = 0; i < count; i++) {
		f->place[i] = places[i];
		if (!f->place[i].frame_count)
			f->place[i].frame_count = runtime_frames(places[i].thread, places[i].frame[0], f->place[i].frame);
	}
	va_list args;
	va_start(args, format);
	vsnprintf(f->message, sizeof f->message, format, args);
	va_end(args);
	return true;
}

void runtime_uncontrolled(const char *name)
{
	struct inner *in = inner();
	for (unsigned i = 0; i < in->uncontrolled_count; i++)
		if (strcmp(in->uncontrolled[i], name) == 0)
			return;
	if (in->uncontrolled_count < sizeof in->uncontrolled / sizeof *in->uncontrolled)
		in->uncontrolled[in->uncontrolled_count++] = name;
}

unsigned runtime_uncontrolled_names(const char *const **names)
{
	*names = inner()->uncontrolled;
	return inner()->uncontrolled_count;
}

/* Races ---------------------------------------------------------------------------------------------------------------------------- */

static const char *access_words(bool write, bool atomic, bool freed)
{
	if (freed)
		return "frees";
	return atomic ? (write ? "writes atomically" : "reads atomically") : write ? "writes" : "reads";
}

/* A race that an earlier execution told in full is told again by copying: words take longer than the execution. A witness is told anew. */
static bool tell_again(uint64_t key)
{
	struct inner *in = inner();
	if (runtime->recording || runtime->findings == FINDINGS_MAX)
		return false;
	for (unsigned i = 0; i < runtime->findings; i++)
		if (runtime->finding[i].key == key)
			return true;
	for (unsigned i = 0; i < RACES_TOLD_MAX; i++)
		if (in->told[i].key == key) {
			runtime->finding[runtime->findings] = in->told[i];
			runtime->finding[runtime->findings++].step = runtime->moment.steps;
			return true;
		}
	return false;
}

static void keep_told(uint64_t key)
{
	struct inner *in = inner();
	if (runtime->findings && runtime->finding[runtime->findings - 1].key == key)
		in->told[in->told_next++ % RACES_TOLD_MAX] = runtime->finding[runtime->findings - 1];
}

void findings_race(const struct race *race, uintptr_t address, size_t bytes, bool write, bool atomic, const void *site)
{
	struct place places[2];
	places[0].frame[0] = site;
	places[1].frame[0] = race->frame[0];
	uint64_t key = key_of(FINDING_DATA_RACE, places, 2);
	if (!race->freed && tell_again(key)) {
		races_promote(address, bytes);
		runtime->raced = true;
		return;
	}
	places[0] = runtime_place(site, "%s %zu byte%s%s", access_words(write, false, false), bytes, bytes == 1 ? "" : "s",
		atomic ? " atomically" : "");
	memset(&places[1], 0, sizeof places[1]);
	places[1].thread = race->thread;
	places[1].frame_count = race->frame_count;
	memcpy(places[1].frame, race->frame, sizeof places[1].frame);
	snprintf(places[1].role, sizeof places[1].role, "%s it%s", access_words(race->write, false, race->freed),
		race->atomic ? " atomically" : "");
	if (race->freed) {
		runtime_finding(FINDING_USE_AFTER_FREE, places, 2,
			"thread %u %s memory that thread %u frees, and nothing orders the two", runtime->current,
			access_words(write, atomic, false), race->thread);
		return;
	}
	runtime_finding(FINDING_DATA_RACE, places, 2, "thread %u %s what thread %u %s, and nothing orders the two",
		runtime->current, access_words(write, atomic, false), race->thread,
		access_words(race->write, race->atomic, false));
	keep_told(key);
	races_promote(address, bytes);
	runtime->raced = true;
}

/* Standstill ----------------------------------------------------------------------------------------------------------------------- */

/* Does T wait for a store that this execution has already, or for none at all? In a full graph a thread can be stuck on an older store
 * than the newest: then another execution goes on where this one ends. */
static bool stuck_on_newest(unsigned t)
{
	const struct graph *g = runtime->graph;
	if (inner()->thread[t].wait != WAIT_STUCK)
		return true;
	/* Without a race it waited for nothing that anybody writes; with one, the next execution sees what it reads as events. */
	if (inner()->thread[t].endless)
		return !runtime->raced;
	const struct inner_thread *own = &inner()->thread[t];
	const struct event *last = &g->events[g->last[t]];
	if (last->kind == EVENT_READ && last->blocked && !own->spin_count)
		return g->locations[last->location].last == last->source;
	if (own->seen_turns)
		return false;
	for (unsigned i = 0; i < own->spin_count; i++)
		if ((g->events[own->spin[i].event].blocked || own->turn_from) && spin_is_news(&own->spin[i]))
			return false;
	return true;
}

static bool spins(unsigned t)
{
	enum wait wait = inner()->thread[t].wait;
	return wait == WAIT_NEWS || (wait == WAIT_STUCK && (inner()->thread[t].endless || inner()->thread[t].spin_count > 0));
}

static struct place where_it_waits(unsigned t)
{
	const struct operation *op = &runtime->moment.pending[t];
	struct place place = {.thread = t};
	const struct inner_thread *own = &inner()->thread[t];
	const void *site = own->endless ? own->endless : spins(t) ? own->spin[own->spin_count - 1].site : op->site;
	place.frame_count = runtime_frames(t, site, place.frame);
	struct thread *thread = &runtime->thread[t];
	if (spins(t))
		snprintf(place.role, sizeof place.role,
			own->endless ? "runs on without an end" : "spins: what it reads will never change");
	else if (thread->describe)
		thread->describe(thread->ready_arg, place.role, sizeof place.role);
	else
		snprintf(place.role, sizeof place.role, "waits");
	return place;
}

enum ending findings_standstill(void)
{
	struct place places[PLACES_MAX];
	unsigned count = 0, spinning = 0, trying = 0;
	char lost[96] = "";
	for (unsigned t = 0; t < runtime->moment.threads; t++) {
		if (!(inner()->live >> t & 1))
			continue;
		if (!stuck_on_newest(t) || sync_may_end(&runtime->thread[t]))
			return ENDING_BLOCKED;
		spinning += spins(t);
		trying += spins(t) && spin_tries(t);
		if (!*lost)
			sync_lost_wakeup(&runtime->thread[t], lost, sizeof lost);
		if (count < PLACES_MAX)
			places[count++] = where_it_waits(t);
	}
	/* One may wait for the moment in which the other holds a lock. */
	if (trying && spinning > 1)
		return ENDING_BLOCKED;
	/* Threads that the end of the process finds waiting or spinning just end with it. */
	if (runtime->exited)
		return ENDING_COMPLETE;
	if (spinning)
		runtime_finding(FINDING_LIVELOCK, places, count,
			"%u of %u threads spin for ever: nobody is left to write what they wait for", spinning, count);
	else if (*lost)
		runtime_finding(FINDING_LOST_WAKEUP, places, count, "nobody can move: %s", lost);
	else
		runtime_finding(FINDING_DEADLOCK, places, count, "nobody can move: %u thread%s wait%s for ever", count,
			count == 1 ? "" : "s", count == 1 ? "s" : "");
	return ENDING_FINDING;
}
