/* SPDX-License-Identifier: MIT */
/* The turns of a replayed execution: which steps others could notice, and where each thread has to stop for the others. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "forced_test.h"

enum { STEPS_MAX = 20000, POINTS_MAX = 2000 };

/* A step of the replay. */
struct step {
	const char *tag;
	int thread, place; /* place: -1: none in the user's files */
	unsigned what;     /* 0: nothing that counts */
	unsigned long long address;
	bool shared, stale, blocked;
	int source;
};

const char *forced_test_missing(const char *kind)
{
	static const char *const missing[][2] = {
		{"leak", "what is never freed shows in no interleaving of its own"},
		{"misuse", "wrong use of a lock is told by the explorer's own locks only"},
		{"nondeterminism", "an output that differs is told by comparing executions"},
		{"livelock", "threads that turn for ever cannot be told from slow ones"},
	};
	for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
		if (strcmp(kind, missing[i][0]) == 0)
			return missing[i][1];
	return NULL;
}

bool forced_watches_heap(const struct forced_source *source)
{
	const char *kind = node_string(source->witness, "kind");
	return strcmp(kind, "use-after-free") == 0 || strcmp(kind, "double-free") == 0;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* What a step with this TAG is to the test. */
static unsigned what_of(const json_t *step, const char *tag)
{
	static const char *const nothing[] = {"begins", "ends", "choice", "step", "cancel", "detach", "sleep", "yield", "fence"};
	if (!*tag)
		return json_is_true(node_get(step, "write")) ? FORCED_WRITES : FORCED_READS;
	if (strcmp(tag, "load") == 0 || strcmp(tag, "racy read") == 0)
		return FORCED_READS;
	if (strcmp(tag, "store") == 0 || strcmp(tag, "racy write") == 0)
		return FORCED_WRITES;
	if (strcmp(tag, "exchange") == 0 || begins(tag, "fetch_") || strcmp(tag, "compare_exchange") == 0)
		return FORCED_READS | FORCED_WRITES;
	for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
		if (strcmp(tag, nothing[i]) == 0)
			return 0;
	return FORCED_CALLS;
}

/* The index of the place of FRAMES, which is added if it is new; -1: none. */
static int place_of(const struct forced_source *source, struct forced_plan *plan, const json_t *frames)
{
	struct source_place place, via;
	if (!explored_place(source->what, frames, &place, &via) || place.line <= 0)
		return -1;
	/* What a library or the explorer does by itself, on behalf of no line of the user's. */
	if (begins(place.file, "/usr/") || strstr(place.file, "/include/c++/") || access(place.file, R_OK) != 0)
		return -1;
	size_t i = 0;
	while (i < plan->place_count && (plan->places[i].line != place.line || strcmp(plan->places[i].file, place.file) != 0))
		i++;
	if (i == plan->place_count) {
		struct forced_place *more = realloc(plan->places, (i + 1) * sizeof *more);
		if (!more)
			return -1;
		plan->places = more;
		more[i] = (struct forced_place){.line = place.line, .text = source_line(place.file, place.line)};
		memcpy(more[i].file, place.file, sizeof place.file);
		memcpy(more[i].function, place.function, sizeof place.function);
		plan->place_count++;
	}
	/* A file that is not there is nobody's line. */
	return *plan->places[i].text ? (int)i : -1;
}

static void read_steps(const struct forced_source *source, struct forced_plan *plan, struct step *steps)
{
	size_t i;
	const json_t *it;
	json_array_foreach(source->steps, i, it) {
		const char *tag = node_string(it, "tag");
		const json_t *from = node_get(it, "source");
		steps[i] = (struct step){.tag = tag,
			.thread = (int)node_number(it, "thread", 0),
			.what = what_of(it, tag),
			.address = strtoull(node_string(it, "address"), NULL, 16),
			.stale = json_is_true(node_get(it, "stale")),
			.blocked = json_is_true(node_get(it, "blocked")),
			.source = json_is_integer(from) ? (int)json_integer_value(from) : -2};
		steps[i].place = steps[i].what ? place_of(source, plan, node_get(it, "frames")) : -1;
	}
}

/* A piece of memory, eight bytes, and who touched it. */
struct granule {
	unsigned long long number;
	unsigned long long threads;
	bool written;
};

static struct granule *granule_of(struct granule *table, size_t room, unsigned long long number)
{
	size_t i = (size_t)(number * 0x9e3779b97f4a7c15u >> 20) % room;
	while (table[i].number && table[i].number != number)
		i = (i + 1) % room;
	table[i].number = number;
	return &table[i];
}

static void mark_shared(struct step *steps, size_t count, bool waits)
{
	size_t room = 2 * count + 1, first = 0;
	struct granule *table = calloc(room, sizeof *table);
	if (!table)
		return;
	while (first < count && strcmp(steps[first].tag, "creates a thread") != 0)
		first++;
	for (size_t i = 0; i < count; i++)
		if (steps[i].what && steps[i].address) {
			struct granule *it = granule_of(table, room, steps[i].address / 8);
			it->threads |= 1ull << (steps[i].thread & 63);
			it->written |= (steps[i].what & (FORCED_WRITES | FORCED_CALLS)) != 0;
		}
	for (size_t i = first < count ? first : 0; i < count; i++) {
		/* Time ran out because nobody came. */
		steps[i].shared = steps[i].place >= 0 && strcmp(steps[i].tag, "cond timeout") == 0;
		if (steps[i].what && steps[i].address && steps[i].place >= 0) {
			const struct granule *it = granule_of(table, room, steps[i].address / 8);
			/* In a deadlock what a thread has is as telling as what it shares: another waits for it. */
			steps[i].shared =
				(it->written && (it->threads & (it->threads - 1))) || (waits && (steps[i].what & FORCED_CALLS));
		}
	}
	free(table);
}

/* What main does in the end, when it has joined the others, happens after all. */
static void drop_end(struct step *steps, size_t count)
{
	for (size_t i = count; i-- > 0 && steps[i].thread == 0;) {
		steps[i].shared = false;
		if (strcmp(steps[i].tag, "join") == 0)
			return;
	}
}

static void find_creators(struct forced_plan *plan, const struct step *steps, size_t count)
{
	int children[64] = {0};
	plan->threads = 1;
	for (size_t i = 0; i < count && plan->threads < 64; i++)
		if (strcmp(steps[i].tag, "creates a thread") == 0) {
			plan->parent[plan->threads] = steps[i].thread;
			plan->nth[plan->threads++] = children[steps[i].thread & 63]++;
		}
}

/* How many stores to what step AT read lie between the one that it read and it. */
static unsigned newer_stores(const struct step *steps, size_t at)
{
	unsigned newer = 0;
	for (size_t i = at; i-- > 0 && (int)i != steps[at].source;)
		newer += steps[i].address == steps[at].address && (steps[i].what & FORCED_WRITES) != 0;
	return newer;
}

static bool alike(const struct step *a, const struct step *b)
{
	if (a->thread != b->thread || a->place != b->place || !b->what)
		return false;
	if (a->what == FORCED_ANY)
		return true;
	return a->what & FORCED_CALLS ? (b->what & FORCED_CALLS) && (!*a->tag || strcmp(a->tag, b->tag) == 0)
				      : (a->what & b->what & (FORCED_READS | FORCED_WRITES)) != 0;
}

/* A turn of a thread begins with the step IT; BEFORE of all steps are known. */
static void add_point(struct forced_plan *plan, const struct step *steps, size_t before, const struct step *it, unsigned stale)
{
	struct forced_point *more = realloc(plan->points, (plan->point_count + 1) * sizeof *more);
	unsigned nth = 1;
	if (!more)
		return;
	for (size_t i = 0; i < before; i++)
		nth += alike(it, &steps[i]);
	plan->points = more;
	plan->stale += stale != 0;
	more[plan->point_count++] = (struct forced_point){.thread = it->thread,
		.place = it->place,
		.what = it->what,
		.operation = it->what & FORCED_CALLS ? it->tag : "",
		.nth = nth,
		.stale = stale};
}

/* Where each thread is when another's failure ends the execution: behind its last step of note, which is marked. It must go no further
 * then. Threads that have ended and those in ALONE are let alone. */
static void find_parked(const struct step *steps, size_t count, unsigned long long alone, bool *parks)
{
	for (size_t i = count; i-- > 0;) {
		unsigned long long thread = 1ull << (steps[i].thread & 63);
		bool ended = strcmp(steps[i].tag, "ends") == 0;
		bool noted = steps[i].place >= 0 && (steps[i].shared || strcmp(steps[i].tag, "creates a thread") == 0);
		if (alone & thread || (!ended && !noted))
			continue;
		alone |= thread;
		parks[i] = noted;
	}
}

static void find_points(struct forced_plan *plan, const struct step *steps, size_t count, const bool *parks)
{
	int last = -1;
	for (size_t i = 0; i < count; i++) {
		if (!steps[i].shared && !parks[i])
			continue;
		unsigned stale = steps[i].stale && !(steps[i].what & FORCED_WRITES) ? newer_stores(steps, i) : 0;
		if (steps[i].thread != last || stale || parks[i])
			add_point(plan, steps, i, &steps[i], stale);
		if (parks[i])
			plan->points[plan->point_count - 1].parks = true;
		last = steps[i].thread;
	}
}

/* In a deadlock each thread comes to what it cannot have, and must not come there before the others have taken it. */
static void add_waiting(const struct forced_source *source, struct forced_plan *plan, const struct step *steps, size_t count)
{
	size_t i;
	const json_t *it;
	json_array_foreach(source->places, i, it) {
		const char *role = node_string(it, "role");
		struct step last = {.tag = "",
			.thread = (int)node_number(it, "thread", 0),
			.what = FORCED_CALLS,
			.place = place_of(source, plan, node_get(it, "frames"))};
		/* What waits for a signal, or at a barrier, has come there before, and some waits are steps: those are in the list. */
		bool begun = strstr(role, "signal") || strstr(role, "barrier") || strstr(role, "condition");
		for (size_t s = count; s-- > 0 && !begun;)
			if (steps[s].thread == last.thread && steps[s].what) {
				begun = steps[s].blocked || (strstr(role, "semaphore") && steps[s].place == last.place);
				break;
			}
		if (last.place >= 0 && begins(role, "waits") && !begun && !(strstr(role, "to end") && last.thread == 0))
			add_point(plan, steps, count, &last, 0);
	}
}

/* Freed memory that is used: the two are no steps, and the use ends the execution. */
static void add_freed(const struct forced_source *source, struct forced_plan *plan, const struct step *steps, size_t count)
{
	struct step use = {.tag = "", .what = FORCED_ANY, .place = -1}, freed = use;
	size_t i;
	const json_t *it;
	freed.what = FORCED_WRITES;
	json_array_foreach(source->places, i, it) {
		struct step *to = strcmp(node_string(it, "role"), "freed it") == 0 ? &freed : i == 0 ? &use : NULL;
		if (!to)
			continue;
		to->thread = (int)node_number(it, "thread", 0);
		to->place = place_of(source, plan, node_get(it, "frames"));
	}
	if (freed.place < 0 || use.place < 0 || freed.thread == use.thread)
		return;
	add_point(plan, steps, count, &freed, 0);
	add_point(plan, steps, count, &use, 0);
}

/* The thread that fails comes to the failure last, if it has not met another, or if that is an access that races. */
static void add_failure(const struct forced_source *source, struct forced_plan *plan, const struct step *steps, size_t count)
{
	const json_t *it = json_array_get(source->places, 0);
	bool race = strcmp(node_string(source->witness, "kind"), "data-race") == 0, alone = true, there = false;
	struct step fails = {.tag = "", .what = FORCED_ANY, .thread = plan->fails, .place = -1};
	unsigned times = 0;
	for (size_t p = 0; p < plan->point_count && !race; p++)
		if (plan->points[p].thread == fails.thread)
			return;
	if (race)
		fails.what = begins(node_string(it, "role"), "writes") ? FORCED_WRITES : FORCED_READS;
	if (it && fails.thread >= 0)
		fails.place = place_of(source, plan, node_get(it, "frames"));
	if (fails.place < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (steps[i].thread == fails.thread && steps[i].what)
			there = alike(&fails, &steps[i]);
		if (steps[i].thread == fails.thread && strcmp(steps[i].tag, "ends") == 0)
			return;
		times += alike(&fails, &steps[i]);
		alone &= strcmp(steps[i].tag, "creates a thread") != 0 && strcmp(steps[i].tag, "begins") != 0;
		alone |= strcmp(steps[i].tag, "join") == 0;
	}
	if (alone && fails.thread == 0)
		return;
	add_point(plan, steps, 0, &fails, 0);
	/* The last time that it comes there, which may be what ended it, and no step any more. */
	plan->points[plan->point_count - 1].nth = there ? times : race || !times ? times + 1 : times;
}

static void find_races(const struct forced_source *source, struct forced_plan *plan)
{
	size_t i, n = 0;
	const json_t *it;
	plan->races[0] = plan->races[1] = -1;
	if (strcmp(node_string(source->witness, "kind"), "data-race") != 0 && !forced_watches_heap(source))
		return;
	json_array_foreach(source->places, i, it)
		if (n < 2 && !begins(node_string(it, "role"), "allocated"))
			plan->races[n++] = place_of(source, plan, node_get(it, "frames"));
	if (n && plan->races[0] < 0) {
		plan->races[0] = plan->races[1];
		plan->races[1] = -1;
	}
}

/* Places that no point and no race speaks of are left out. */
static void drop_places(struct forced_plan *plan)
{
	size_t kept = 0;
	for (size_t i = 0; i < plan->place_count; i++) {
		bool used = plan->races[0] == (int)i || plan->races[1] == (int)i;
		for (size_t p = 0; p < plan->point_count; p++)
			used |= plan->points[p].place == (int)i;
		if (!used) {
			free(plan->places[i].text);
			continue;
		}
		for (size_t p = 0; p < plan->point_count; p++)
			if (plan->points[p].place == (int)i)
				plan->points[p].place = (int)kept;
		for (size_t r = 0; r < 2; r++)
			if (plan->races[r] == (int)i)
				plan->races[r] = (int)kept;
		plan->places[kept++] = plan->places[i];
	}
	plan->place_count = kept;
}

/* A store behind newer ones is something that no order of threads shows. */
static bool stores_late(const json_t *witness)
{
	enum { PLACE_THREAD = 5, NEWEST = 65534 };
	size_t i;
	const json_t *row;
	json_array_foreach(node_get(witness, "schedule"), i, row)
		if (json_integer_value(json_array_get(row, PLACE_THREAD)) != NEWEST)
			return true;
	return false;
}

static void find_all(const struct forced_source *source, struct forced_plan *plan, struct step *steps, size_t count)
{
	bool *parks = calloc(count + 1, sizeof *parks), waits = explored_waits(node_string(source->witness, "kind"));
	size_t i;
	const json_t *it;
	unsigned long long alone = 0;
	if (!parks)
		return;
	read_steps(source, plan, steps);
	mark_shared(steps, count, waits);
	drop_end(steps, count);
	find_creators(plan, steps, count);
	json_array_foreach(source->places, i, it)
		if (i == 0 || forced_watches_heap(source))
			alone |= 1ull << ((int)node_number(it, "thread", 0) & 63);
	if (!waits && json_array_size(source->places)) {
		plan->fails = (int)node_number(json_array_get(source->places, 0), "thread", 0);
		find_parked(steps, count, alone, parks);
	}
	find_points(plan, steps, count, parks);
	if (waits)
		add_waiting(source, plan, steps, count);
	else if (forced_watches_heap(source))
		add_freed(source, plan, steps, count);
	else
		add_failure(source, plan, steps, count);
	find_races(source, plan);
	drop_places(plan);
	free(parks);
}

int forced_plan_make(const struct forced_source *source, struct forced_plan *plan)
{
	size_t count = json_array_size(source->steps);
	struct step *steps = calloc(count + 1, sizeof *steps);
	const char *why = NULL;
	*plan = (struct forced_plan){.races = {-1, -1}, .fails = -1};
	if (count >= STEPS_MAX)
		why = "it has too many steps";
	else if (stores_late(source->witness))
		why = "a store takes effect behind a newer one, which real threads cannot be made to do";
	else if (steps)
		find_all(source, plan, steps, count);
	free(steps);
	if (!why && (plan->point_count == 0 || plan->point_count > POINTS_MAX))
		why = plan->point_count ? "its threads take too many turns" : "no step of it is a line of the program";
	if (!why)
		return 0;
	complain("%s: no test can force it: %s; `onceproof replay %s` repeats it", source->path, why, source->path);
	forced_plan_free(plan);
	return EXIT_INCONCLUSIVE;
}

void forced_plan_free(struct forced_plan *plan)
{
	for (size_t i = 0; i < plan->place_count; i++)
		free(plan->places[i].text);
	free(plan->places);
	free(plan->points);
	*plan = (struct forced_plan){0};
}
