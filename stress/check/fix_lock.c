/* SPDX-License-Identifier: MIT */
/* Changes that put lines under a mutex, or take mutexes in another order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../reports/node.h"
#include "../explored.h"
#include "fix_parts.h"

enum { TRACE_THREADS_MAX = 64 };

struct regions {
	unsigned count;
	bool full;
	struct source_place place[FIX_EDITS_MAX]; /* line: the first */
	int last[FIX_EDITS_MAX];
};

static bool same_function(const struct source_place *a, const struct source_place *b)
{
	return strcmp(a->function, b->function) == 0 && strcmp(a->file, b->file) == 0;
}

/* Adds lines FIRST to LAST of PLACE's function. WHOLE: to what there is of that function already, else only where the lines meet. */
static void add_region(struct regions *r, const struct source_place *place, int first, int last, bool whole)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct source_place *p = &r->place[i];
		bool meet = first <= r->last[i] + 1 && p->line <= last + 1;
		if (!same_function(p, place) || !(whole || meet))
			continue;
		p->line = first < p->line ? first : p->line;
		r->last[i] = last > r->last[i] ? last : r->last[i];
		return;
	}
	if (r->count == FIX_EDITS_MAX) {
		r->full = true;
		return;
	}
	r->place[r->count] = *place;
	r->place[r->count].line = first;
	r->last[r->count++] = last;
}

int fix_by_place(const void *a, const void *b)
{
	const struct fix_edit *x = a, *y = b;
	int files = strcmp(x->file, y->file);
	return files ? files : x->line - y->line;
}

/* What two regions have in common is theirs only once: regions that came to meet later are joined. */
static void join_regions(struct regions *r)
{
	for (unsigned i = 0; i < r->count; i++)
		for (unsigned j = i + 1; j < r->count; j++) {
			struct source_place *a = &r->place[i], *b = &r->place[j];
			if (!same_function(a, b) || a->line > r->last[j] + 1 || b->line > r->last[i] + 1)
				continue;
			a->line = b->line < a->line ? b->line : a->line;
			r->last[i] = r->last[j] > r->last[i] ? r->last[j] : r->last[i];
			r->count--;
			r->place[j] = r->place[r->count];
			r->last[j] = r->last[r->count];
			j = i;
		}
}

/* Accesses that are to be under the mutex; where threads wait for ever, also what they do with condition variables. */
static bool concerns(const struct fixing *f, const struct fix_variables *v, const struct fix_step *s)
{
	if (s->kind == FIX_PLAIN || s->kind == FIX_ATOMIC)
		return !s->foreign && fix_overlaps(v, s);
	return f->waits && fix_matters(&f->traces, s) && (s->kind == FIX_WAIT || s->kind == FIX_SIGNAL);
}

/* The line of STEP in PLACE's function; 0: it is not in there. */
static int line_within(struct fix_traces *t, const struct fix_step *step, const struct source_place *place)
{
	struct source_place stack[FIX_STACK_MAX];
	size_t count = fix_stack(t, step, stack);
	for (size_t i = 0; i < count; i++)
		if (same_function(&stack[i], place))
			return stack[i].line;
	return 0;
}

/* The sections of mutexes of the program's own that begin in PLACE's function and that STEP is in belong to its lines. */
static void around_sections(
	struct fix_traces *t, const struct fix_step *step, const struct source_place *place, int *first, int *last)
{
	for (unsigned h = 0; h < step->held_count; h++) {
		const struct fix_step *lock = &t->step[step->held[h]], *end = t->step + t->count;
		int from = line_within(t, lock, place);
		if (!from)
			continue;
		*first = from < *first ? from : *first;
		for (const struct fix_step *s = step; s < end && s->trace == step->trace; s++) {
			if (s->kind != FIX_UNLOCK || s->thread != step->thread || s->address != lock->address)
				continue;
			int to = line_within(t, s, place);
			*last = to > *last ? to : *last;
			break;
		}
	}
}

/* How many of the outermost places of two stacks are the same. */
static size_t same_outside(const struct source_place *a, size_t a_count, const struct source_place *b, size_t b_count)
{
	size_t n = 0;
	while (n < a_count && n < b_count && a[a_count - 1 - n].line == b[b_count - 1 - n].line &&
		same_function(&a[a_count - 1 - n], &b[b_count - 1 - n]))
		n++;
	return n;
}

/* The function in which the stacks of all COUNT STEPS part, and its lines from the first to the last of them. false: there is none. */
static bool common_lines(
	struct fix_traces *t, const struct fix_step *const *steps, size_t count, struct source_place *place, int *last)
{
	struct source_place first[FIX_STACK_MAX], stack[FIX_STACK_MAX];
	size_t first_count = count ? fix_stack(t, steps[0], first) : 0, level = first_count;
	for (size_t i = 1; i < count; i++) {
		size_t n = fix_stack(t, steps[i], stack), same = same_outside(first, first_count, stack, n);
		level = same < level ? same : level;
	}
	if (!first_count)
		return false;
	level = level == first_count ? level - 1 : level;
	/* Different functions called in one line: that line. */
	for (size_t i = 0; i < count && level; i++) {
		size_t n = fix_stack(t, steps[i], stack);
		if (n <= level || !same_function(&stack[n - 1 - level], &first[first_count - 1 - level])) {
			level--;
			break;
		}
	}
	*place = first[first_count - 1 - level];
	*last = place->line;
	for (size_t i = 0; i < count; i++) {
		size_t n = fix_stack(t, steps[i], stack);
		const struct source_place *at = n > level ? &stack[n - 1 - level] : NULL;
		if (!at || !same_function(at, place))
			return false;
		int from = at->line, to = at->line;
		around_sections(t, steps[i], place, &from, &to);
		place->line = from < place->line ? from : place->line;
		*last = to > *last ? to : *last;
	}
	return true;
}

static void caller_regions(struct fixing *f, const struct fix_variables *v, struct regions *r)
{
	struct fix_traces *t = &f->traces;
	const struct fix_step **steps = calloc(t->count + 1, sizeof *steps);
	for (unsigned trace = 0; steps && trace < t->trace_count; trace++)
		for (unsigned thread = 0; thread < TRACE_THREADS_MAX; thread++) {
			struct source_place place;
			int last;
			size_t count = 0;
			for (size_t i = 0; i < t->count; i++)
				if (t->step[i].trace == trace && t->step[i].thread == thread && concerns(f, v, &t->step[i]))
					steps[count++] = &t->step[i];
			if (count && common_lines(t, steps, count, &place, &last))
				add_region(r, &place, place.line, last, true);
		}
	free(steps);
}

static void collect(struct fixing *f, const struct fix_variables *v, enum fix_shape shape, uint64_t mutex, struct regions *r)
{
	struct fix_traces *t = &f->traces;
	r->count = 0;
	r->full = false;
	if (shape == FIX_CALLERS) {
		caller_regions(f, v, r);
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		const struct fix_step *s = &t->step[i];
		struct source_place place;
		if (!concerns(f, v, s) || !fix_place(t, s, &place) || (shape == FIX_LINES && mutex && fix_holds(t, s, mutex)))
			continue;
		int first = place.line, last = place.line;
		if (shape == FIX_RANGES)
			around_sections(t, s, &place, &first, &last);
		add_region(r, &place, first, last, shape == FIX_RANGES);
	}
	join_regions(r);
}

/* How the program takes and gives back a mutex, as the line of LOCK has it. */
static void set_calls(struct fix_traces *t, const struct fix_step *lock, struct fix_edit *e)
{
	struct source_place place;
	char *text = lock && fix_place(t, lock, &place) ? source_line(place.file, place.line) : NULL;
	bool c11 = text && strstr(text, "mtx_");
	bool cxx = text && (strstr(text, "_lock<") || strstr(text, ".lock()") || strstr(text, "_lock ") || strstr(text, "guard"));
	e->lock_call = c11 ? "mtx_lock(&%s)" : cxx ? "%s.lock()" : "pthread_mutex_lock(&%s)";
	e->unlock_call = c11 ? "mtx_unlock(&%s)" : cxx ? "%s.unlock()" : "pthread_mutex_unlock(&%s)";
	free(text);
}

static const struct fix_step *a_lock_of(const struct fix_traces *t, uint64_t mutex)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->step[i].kind == FIX_LOCK && t->step[i].address == mutex)
			return &t->step[i];
	return NULL;
}

/* Does the program take MUTEX itself in lines FIRST to LAST of PLACE's function, or in what is called from there? */
static bool takes_it(struct fix_traces *t, uint64_t mutex, const struct source_place *place, int last)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct fix_step *s = &t->step[i];
		int line = s->kind == FIX_LOCK && s->address == mutex ? line_within(t, s, place) : 0;
		if (line >= place->line && line <= last)
			return true;
	}
	return false;
}

static bool make_edits(struct fixing *f, const struct regions *r, uint64_t mutex, struct fix_change *change)
{
	const struct fix_step *lock = mutex ? a_lock_of(&f->traces, mutex) : NULL;
	change->count = 0;
	if (r->full || !r->count || (mutex && !lock))
		return false;
	for (unsigned i = 0; i < r->count; i++) {
		struct fix_edit *e = &change->edit[change->count];
		const struct source_place *p = &r->place[i];
		*e = (struct fix_edit){.kind = FIX_EDIT_LOCK,
			.line = p->line,
			.last_line = r->last[i],
			.mutex = mutex,
			.ranges = fix_ranges(f, p->file, p->function, p->line, r->last[i]),
			.tag = "",
			.was = ""};
		memcpy(e->file, p->file, sizeof e->file);
		memcpy(e->function, p->function, sizeof e->function);
		set_calls(&f->traces, lock, e);
		e->how = lock && takes_it(&f->traces, mutex, p, r->last[i]) ? FIX_MERGE : FIX_HOLD;
		if (lock)
			fix_name(&f->traces, lock, e->lock_name, sizeof e->lock_name);
		change->count += e->ranges != NULL;
	}
	qsort(change->edit, change->count, sizeof *change->edit, fix_by_place);
	return change->count > 0;
}

bool fix_locks(struct fixing *f, const struct fix_variables *v, enum fix_shape shape, uint64_t mutex, struct fix_change *change)
{
	struct regions r;
	collect(f, v, shape, mutex, &r);
	return make_edits(f, &r, mutex, change);
}

static bool same_line(struct fix_traces *t, const struct fix_step *a, const struct fix_step *b)
{
	struct source_place x, y;
	return fix_place(t, a, &x) && fix_place(t, b, &y) && x.line == y.line && same_function(&x, &y);
}

/* Is the mutex of LOCK the only one that is locked in its line? Where each object has one of its own, no single one is meant. */
static bool only_one(struct fix_traces *t, const struct fix_step *lock)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->step[i].kind == FIX_LOCK && t->step[i].address != lock->address && same_line(t, &t->step[i], lock))
			return false;
	return true;
}

uint64_t fix_mutex(struct fixing *f, const struct fix_variables *v, bool all, unsigned n)
{
	struct {
		uint64_t address;
		size_t holders;
	} found[FIX_HELD_MAX] = {0};
	size_t count = 0, accesses = 0;
	struct fix_traces *t = &f->traces;
	for (size_t i = 0; i < t->count; i++) {
		const struct fix_step *s = &t->step[i];
		if (!concerns(f, v, s))
			continue;
		accesses++;
		for (unsigned h = 0; h < s->held_count; h++) {
			const struct fix_step *lock = &t->step[s->held[h]];
			size_t at = 0;
			while (at < count && found[at].address != lock->address)
				at++;
			if (at == FIX_HELD_MAX || (at == count && !only_one(&f->traces, lock)))
				continue;
			count += at == count;
			found[at].address = lock->address;
			found[at].holders++;
		}
	}
	/* The Nth in order of how many hold it; of equals, that which came first. */
	for (;;) {
		size_t best = FIX_HELD_MAX;
		for (size_t i = 0; i < count; i++)
			if (found[i].holders && (all || found[i].holders < accesses) &&
				(best == FIX_HELD_MAX || found[i].holders > found[best].holders))
				best = i;
		if (best == FIX_HELD_MAX || n-- == 0)
			return best == FIX_HELD_MAX ? 0 : found[best].address;
		found[best].holders = 0;
	}
}

/* Deadlocks ------------------------------------------------------------------------------------------------------------------------------- */

/* A thread that waits for a mutex for ever. */
struct waiter {
	struct fix_step at;                        /* where: only frames, trace and thread */
	uint64_t mutex;                            /* where it lies in memory; 0: nobody ever took it */
	const struct fix_step *held[FIX_HELD_MAX]; /* where it took what it has, in order */
	unsigned held_count;
};

static void find_held(const struct fix_traces *t, struct waiter *w)
{
	const struct fix_step *last = NULL;
	for (size_t i = 0; i < t->count; i++)
		if (t->step[i].trace == w->at.trace && t->step[i].thread == w->at.thread)
			last = &t->step[i];
	for (unsigned h = 0; last && h < last->held_count; h++)
		w->held[w->held_count++] = &t->step[last->held[h]];
	if (last && last->kind == FIX_LOCK && w->held_count < FIX_HELD_MAX)
		w->held[w->held_count++] = last;
}

/* The mutex that a role names: "@0x…", counted from the start of the program, or "0x…". */
static uint64_t address_of(const struct fix_traces *t, const char *text)
{
	uint64_t address = strtoull(text + (*text == '@'), NULL, 16);
	for (size_t i = 0; i < t->count; i++)
		if (t->step[i].kind == FIX_LOCK && (*text == '@' ? t->step[i].global : t->step[i].address) == address)
			return t->step[i].address;
	return 0;
}

static unsigned find_waiters(struct fixing *f, struct waiter *waiters, unsigned max)
{
	size_t i, p, n;
	unsigned count = 0;
	const json_t *finding, *place, *frame;
	json_array_foreach(node_get(f->traces.answer, "findings"), i, finding) {
		if (strcmp(node_string(finding, "kind"), "deadlock") != 0 || count ||
			(f->traces.only >= 0 && (int)i != f->traces.only))
			continue;
		json_array_foreach(node_get(finding, "places"), p, place) {
			const char *role = node_string(place, "role"), *mutex = strstr(role, "waits for mutex ");
			if (!mutex || count == max)
				continue;
			struct waiter *w = &waiters[count++];
			*w = (struct waiter){
				.at = {.trace = (unsigned)i, .thread = (unsigned)json_integer_value(node_get(place, "thread"))}};
			mutex += strlen("waits for mutex ");
			w->mutex = address_of(&f->traces, mutex);
			json_array_foreach(node_get(place, "frames"), n, frame)
				if (w->at.frame_count < FIX_FRAMES_MAX)
					w->at.frame[w->at.frame_count++] =
						json_is_string(frame) ? strtoull(json_string_value(frame), NULL, 16) : 0;
			find_held(&f->traces, w);
		}
	}
	return count;
}

/* Does the call that W waits in lock the same mutex whenever it is made? */
static const struct fix_step *always_the_same(struct fix_traces *t, const struct waiter *w)
{
	const struct fix_step *lock = NULL;
	for (size_t i = 0; i < t->count; i++) {
		const struct fix_step *s = &t->step[i];
		if (s->kind != FIX_LOCK)
			continue;
		if (s->address == w->mutex)
			lock = s;
		else if (same_line(t, s, &w->at))
			return NULL;
	}
	return lock;
}

/* From where W took the first of what it has to where it waits. */
static bool waiter_region(struct fixing *f, const struct waiter *w, struct source_place *place, int *last)
{
	for (unsigned h = 0; h < w->held_count; h++) {
		const struct fix_step *const steps[] = {w->held[h], &w->at};
		if (common_lines(&f->traces, steps, 2, place, last))
			return true;
	}
	return false;
}

static bool lock_first(
	struct fixing *f, const struct waiter *w, const struct waiter *all, unsigned count, struct fix_change *change)
{
	struct regions r = {0};
	struct source_place place;
	int last;
	const struct fix_step *lock = w->mutex ? always_the_same(&f->traces, w) : NULL;
	bool again = false;
	/* The same line may lock another mutex elsewhere. */
	for (unsigned i = 0; i < count; i++)
		if (all[i].mutex != w->mutex && same_line(&f->traces, &all[i].at, &w->at))
			return false;
	for (unsigned h = 0; h < w->held_count; h++)
		again |= w->held[h]->address == w->mutex;
	if (!lock || !waiter_region(f, w, &place, &last))
		return false;
	if (again && !fix_place(&f->traces, &w->at, &place))
		return false;
	add_region(&r, &place, place.line, again ? place.line : last, true);
	if (!make_edits(f, &r, lock->address, change))
		return false;
	change->edit[0].how = again ? FIX_RECURSIVE : FIX_LOCK_FIRST;
	return true;
}

bool fix_lock_order(struct fixing *f, unsigned n, struct fix_change *change)
{
	enum { WAITERS_MAX = 8 };
	struct waiter waiters[WAITERS_MAX];
	unsigned count = find_waiters(f, waiters, WAITERS_MAX);
	change->count = 0;
	if (n < count)
		return lock_first(f, &waiters[n], waiters, count, change);
	struct regions r = {0};
	for (unsigned i = 0; i < count && n == count; i++) {
		struct source_place place;
		int last;
		if (waiters[i].held_count && waiter_region(f, &waiters[i], &place, &last))
			add_region(&r, &place, place.line, last, true);
	}
	return make_edits(f, &r, 0, change);
}
