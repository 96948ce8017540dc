/* SPDX-License-Identifier: MIT */
/* Makes a schedule smaller: fewest stale reads, then fewest preemptions, then fewest steps, as long as the same finding shows. Of a
 * race what counts is the way to its second access; where it is the first of an execution, that ends there. A long way weighs as much as
 * preemptions.
 *
 * It starts from what a bounded search finds first (search_bound.c goes by number of preemptions, and is told to read no older store at
 * first), so that a finding has the same witness whatever search it came from; if that finds nothing in its share of the tries, from
 * what partial order sampling finds under sc; then bounded with older stores; then from the schedule given.
 *
 * Then single changes, each tried by an execution, until none makes it smaller: an older store replaced by the newest; a plain choice in
 * place of an unusual one; blocks of one thread's steps joined, put off, exchanged; the rest left to run without preemptions. (Jalbert
 * and Sen, FSE 2010, simplify traces by moving blocks in the same way.)
 */
#include "exploring.h"

#include <stdlib.h>
#include <string.h>

/* What is to be small, in this order; among equals the schedule whose threads come first in dictionary order. */
struct cost {
	uint32_t stale, preemptions, steps, unusual, switches;
};

struct minimiser {
	const struct explore_program *program;
	const struct explore_options *options;
	uint64_t key;
	bool full;      /* replays need full graphs */
	unsigned tries; /* left */
	uint64_t work;  /* steps that may still be made: a bound on time that is no clock */
	bool race;      /* its steps are those up to its second access */
	uint32_t shown; /* how many steps the last execution that showed it needed for that; UINT32_MAX: all */
	bool found;
	struct schedule best;
	struct cost cost;
};

enum { WORK_OF_TRY = 50, WORK_OF_CUT = 20000, STEPS_OF_PREEMPTION = 64, STEPS_ONE_BY_ONE = 16 };

static int compare_numbers(const uint32_t *a, const uint32_t *b, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static int compare(const struct cost *a, const struct schedule *s, const struct cost *b, const struct schedule *t)
{
	const uint32_t one[] = {a->stale, a->preemptions, a->steps, a->unusual, a->switches};
	const uint32_t two[] = {b->stale, b->preemptions, b->steps, b->unusual, b->switches};
	int order = compare_numbers(one, two, sizeof one / sizeof *one);
	for (uint32_t i = 0; !order && i < s->count && i < t->count; i++)
		order = (int)s->steps[i].thread - (int)t->steps[i].thread;
	return order;
}

static bool may_try(const struct minimiser *m)
{
	bool late = runtime->deadline_ns && (m->tries & 7) == 0 && runtime_clock_ns() > runtime->deadline_ns;
	return m->tries > 0 && m->work > 0 && !late;
}

/* One execution under SEARCH; does it show the finding? */
static bool show(struct minimiser *m, struct search *search, enum ending *how)
{
	uint64_t before = runtime->work;
	*how = explore_execute(m->program, search);
	/* In a process of its own an execution leaves nothing but its steps. */
	uint64_t done = (runtime->work - before) / 16, steps = runtime->moment.steps;
	uint64_t work = (done > steps ? done : steps) + WORK_OF_TRY + (*how == ENDING_CUT ? WORK_OF_CUT : 0);
	m->work -= work < m->work ? work : m->work;
	m->tries -= m->tries > 0;
	struct finding finding;
	if (!explore_shows(m->program, *how, m->key, &finding))
		return false;
	/* The second access may not be counted yet. */
	m->shown = m->race ? finding.step + 1 : UINT32_MAX;
	return true;
}

/* Tries CANDIDATE, whose first ORDERED steps are in order. Takes over what was performed if that is smaller than the best so far. */
static bool try(struct minimiser *m, const struct schedule *candidate, uint32_t ordered)
{
	enum ending how;
	struct schedule performed;
	bool better = false;
	struct search *search = may_try(m) ? search_replay_first(candidate, ordered, false, m->full) : NULL;
	if (!search)
		return false;
	runtime->moment.execution = 0;
	search->kind->begin(search, &runtime->moment);
	if (show(m, search, &how) && schedule_take(&performed)) {
		uint32_t steps = performed.count < m->shown ? performed.count : m->shown;
		const struct cost cost = {schedule_stale(&performed),
			search_replay_preemptions(search) + (m->race ? steps / STEPS_OF_PREEMPTION : 0), steps,
			schedule_unusual(&performed), schedule_switches(&performed)};
		better = !m->found || compare(&cost, &performed, &m->cost, &m->best) < 0;
		if (better) {
			schedule_free(&m->best);
			m->best = performed;
			m->cost = cost;
			m->found = true;
		} else {
			schedule_free(&performed);
		}
	}
	search_close(search);
	return better;
}

static struct search *open_with(const struct search_kind *kind, const char *key, const char *value)
{
	struct search *search = search_open(kind, 0, 1, 1);
	if (search && key)
		search_option(search, key, value);
	return search;
}

/* Looks for the finding with a search of KIND under MODEL, in up to TRIES executions, and tries what that did. */
static bool search_again(struct minimiser *m, const struct search_kind *kind, const char *key, const char *value,
	enum memory_model model, unsigned tries)
{
	struct explore_options options = *m->options;
	struct search *search = open_with(kind, key, value);
	struct schedule performed = {0};
	enum ending how;
	options.model = model;
	explore_configure(&options, false);
	uint64_t promotions = races_promotions();
	for (unsigned i = 0; i < tries && may_try(m) && search && !performed.count; i++) {
		runtime->moment.execution = i;
		if (!kind->begin(search, &runtime->moment))
			break;
		if (show(m, search, &how))
			schedule_take(&performed);
		if (races_promotions() == promotions)
			continue;
		/* Decisions are others now. */
		promotions = races_promotions();
		search_close(search);
		search = open_with(kind, key, value);
	}
	search_close(search);
	explore_configure(m->options, false);
	bool smaller = performed.count && try(m, &performed, UINT32_MAX);
	schedule_free(&performed);
	return smaller;
}

/* Single changes ---------------------------------------------------------------------------------------------------------------------- */

/* Tries a copy of the best schedule with step AT changed. */
static bool try_step(struct minimiser *m, uint32_t at, const struct schedule_step *step)
{
	struct schedule candidate;
	if (!schedule_copy(&candidate, &m->best))
		return false;
	candidate.steps[at] = *step;
	bool better = try(m, &candidate, UINT32_MAX);
	schedule_free(&candidate);
	return better;
}

static bool simplify_steps(struct minimiser *m)
{
	for (uint32_t i = 0; i < m->best.count; i++) {
		struct schedule_step step = m->best.steps[i];
		if (step.source_thread == SCHEDULE_NEWEST && step.place_thread == SCHEDULE_NEWEST && step.choice <= 1)
			continue;
		step.source_thread = step.place_thread = SCHEDULE_NEWEST;
		step.choice = step.choice > 1 ? 1 : step.choice;
		if (try_step(m, i, &step))
			return true;
	}
	return false;
}

struct block {
	uint32_t from, to;
};

/* BLOCK moved to where step TO is (or behind the last), the others as they are. */
static bool try_moved(struct minimiser *m, struct block block, uint32_t to, uint32_t ordered)
{
	struct schedule candidate;
	if (!schedule_copy(&candidate, &m->best))
		return false;
	uint32_t length = block.to - block.from;
	const struct schedule_step *steps = m->best.steps;
	if (to <= block.from) {
		memcpy(candidate.steps + to, steps + block.from, length * sizeof *steps);
		memcpy(candidate.steps + to + length, steps + to, (block.from - to) * sizeof *steps);
	} else {
		memcpy(candidate.steps + block.from, steps + block.to, (to - block.to) * sizeof *steps);
		memcpy(candidate.steps + to - length, steps + block.from, length * sizeof *steps);
	}
	bool better = try(m, &candidate, ordered);
	schedule_free(&candidate);
	return better;
}

static struct block block_at(const struct schedule *s, uint32_t from)
{
	struct block block = {from, from + 1};
	while (block.to < s->count && s->steps[block.to].thread == s->steps[from].thread)
		block.to++;
	return block;
}

/* The block of the same thread before BLOCK; empty if there is none. */
static struct block former_block(const struct schedule *s, struct block block)
{
	uint32_t to = block.from;
	while (to > 0 && s->steps[to - 1].thread != s->steps[block.from].thread)
		to--;
	struct block former = {to, to};
	while (former.from > 0 && s->steps[former.from - 1].thread == s->steps[block.from].thread)
		former.from--;
	return former;
}

static bool simplify_block(struct minimiser *m, struct block block)
{
	const struct schedule *s = &m->best;
	struct block former = former_block(s, block);
	/* The rest without preemptions; the block at the very end, or not at all. */
	if (try(m, s, block.from) || try_moved(m, block, s->count, s->count - (block.to - block.from)))
		return true;
	/* Joined with the block before, there or here; exchanged with its neighbour. */
	if (former.to > former.from &&
		(try_moved(m, block, former.to, UINT32_MAX) || try_moved(m, former, block.from, UINT32_MAX)))
		return true;
	uint32_t neighbour = block.from;
	while (neighbour > 0 && s->steps[neighbour - 1].thread == s->steps[block.from - 1].thread)
		neighbour--;
	return block.from > 0 && try_moved(m, block, neighbour, UINT32_MAX);
}

static bool simplify_order(struct minimiser *m)
{
	for (uint32_t from = 0; from < m->best.count && may_try(m);) {
		struct block block = block_at(&m->best, from);
		if (simplify_block(m, block))
			return true;
		from = block.to;
	}
	return false;
}

/* The last block sooner: its thread moves as soon as the one before it has made 1, 2, 3, …, 16, 32, … steps. Of a loop in one thread that races with
 * another's, one round is enough. */
static bool shorten(struct minimiser *m)
{
	const struct schedule *s = &m->best;
	struct block last = {m->cost.steps, m->cost.steps};
	if (m->cost.steps <= STEPS_OF_PREEMPTION || !m->race)
		return false;
	while (last.from > 0 && s->steps[last.from - 1].thread == s->steps[last.to - 1].thread)
		last.from--;
	if (!last.from)
		return false;
	for (uint32_t from = last.from; from-- > 0;) {
		if (from && s->steps[from - 1].thread == s->steps[from].thread)
			continue;
		struct block block = block_at(s, from);
		for (uint32_t length = 1; length < block.to - block.from && may_try(m);
			length += length < STEPS_ONE_BY_ONE ? 1 : length)
			if (try_moved(m, last, from + length, from + length + (last.to - last.from)))
				return true;
	}
	return false;
}

/* The start. Canonical where one of the searches finds the finding; the schedule given is taken if it needs fewer older stores. */
static void begin_with(struct minimiser *m, const struct schedule *given)
{
	unsigned share = m->tries / 4;
	m->full = false;
	explore_configure(m->options, false);
	runtime_forget_races();
	if (search_again(m, &search_bound, "stale", "0", m->options->model, share))
		return;
	/* Under sc no store is an older one, and deep interleavings are met by chance sooner than in order. */
	if (search_again(m, &search_pos, NULL, NULL, MODEL_SC, share))
		return;
	if (m->options->model == MODEL_RC11)
		search_again(m, &search_bound, NULL, NULL, MODEL_RC11, share);
	if (!try(m, given, UINT32_MAX) && !m->found) {
		m->full = true;
		explore_configure(m->options, true);
		try(m, given, UINT32_MAX);
	}
}

uint64_t explore_minimise(const struct explore_program *program, const struct explore_options *options,
	const struct finding *finding, struct schedule *schedule, unsigned tries, uint64_t work)
{
	struct explore_options own = *options;
	struct minimiser m = {.program = program, .options = &own, .key = finding->key, .tries = tries, .work = work};
	own.races_end = m.race = finding->kind == FINDING_DATA_RACE;
	begin_with(&m, schedule);
	if (!m.found && own.races_end) {
		/* Another race comes first, always. */
		own.races_end = false;
		begin_with(&m, schedule);
	}
	while (m.found && may_try(&m) && (shorten(&m) || simplify_steps(&m) || simplify_order(&m)))
		;
	explore_configure(options, m.full);
	if (m.found) {
		schedule_free(schedule);
		*schedule = m.best;
	}
	return work - m.work;
}
