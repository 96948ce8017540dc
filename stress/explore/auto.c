/* SPDX-License-Identifier: MIT */
/* The portfolio `auto`. Its plan counts executions only:
 *
 *   1. delay bounding, 30: short interleavings first, so that what shows early is easy to read
 *   2. pos 10, pct 10, surw 10: what needs more than that (left out if there was nothing beyond 30)
 *   3. exhaustive search, 4000 (a quarter of the budget, if that is more): small programs end here, with everything explored
 *   4. exhaustive search to the end, if its estimate says that it fits into what is left
 *   5. pos, pct, surw, rff, random, bound: a tenth of what is left each
 *   6. exhaustive search again if its estimate fits by now, or cannot be told; else the samplers in turn
 *
 * Thomson, Donaldson and Betts (PPoPP 2014) found that no single search finds most bugs soonest; small bounds and samplers
 * complement each other.
 */
#include "exploring.h"
#include "isolate.h"

#include <errno.h>
#include <stdio.h>

enum {
	FIRST_BOUND = 30,
	FIRST_SAMPLES = 10,
	EARLY_EXHAUSTIVE = 4000,
	SOON = 1000,           /* executions between two looks at whether there is a finding, and after it */
	NOMINAL = 1000000,     /* where the budget has no bound: what the shares are shares of */
	STEPS_BESIDES = 20,    /* what beginning and ending an execution is worth */
	STEPS_ISOLATED = 2000, /* an execution in a process of its own */
	ROUNDS_MAX = 64,
};

enum portfolio { WITH_DPOR, WITH_BOUND, WITH_POS, WITH_PCT, WITH_SURW, WITH_RFF, WITH_RANDOM, PORTFOLIO };

struct plan {
	struct exploration *x;
	struct phase phase[PORTFOLIO];
	bool opened[PORTFOLIO];
	int why;
};

static const struct search_kind *const kinds[PORTFOLIO] = {
	&search_dpor, &search_bound, &search_pos, &search_pct, &search_surw, &search_rff, &search_random};

/* Under delay bounding there are fewer executions per level than under preemption bounding; as early findings they are as short. */
static const char *const with_delays[] = {"delays=1000000", "split=count", NULL};

/* What is left of the budget, for all shards. */
static uint64_t left(const struct exploration *x)
{
	uint64_t budget = x->budget ? x->budget : UINT64_MAX;
	return budget > x->order ? budget - x->order : 0;
}

static bool over(const struct plan *p)
{
	return p->why || p->x->stopped || p->x->result->exhausted || left(p->x) == 0;
}

static void take_proof(const struct plan *p, enum portfolio which)
{
	struct explore_result *result = p->x->result;
	if (p->opened[which] && !result->exhausted)
		result->exhausted = phase_exhausted(p->x, &p->phase[which], result->bound, sizeof result->bound);
}

/* Where findings are to come soon, what comes behind the first is cut short: it makes the budget smaller. */
static void settle(struct exploration *x)
{
	/* Shards keep one plan: what one of them found the others do not know. */
	if (x->options->soon && x->options->shards == 1 && !x->settled && x->result->finding_count) {
		x->settled = true;
		if (left(x) > SOON)
			x->budget = x->order + SOON;
	}
}

/* EXECUTIONS of a phase, in pieces where findings are to come soon: a look between them does not depend on how many processes there are. */
static void run(struct plan *p, struct phase *phase, uint64_t executions)
{
	struct exploration *x = p->x;
	while (executions && !over(p) && !phase->ended) {
		uint64_t room = left(x), piece = executions < room ? executions : room;
		if (x->options->soon && piece > SOON)
			piece = SOON;
		phase_run(x, phase, piece);
		executions -= piece;
		settle(x);
	}
}

/* EXECUTIONS of a search, as far as the budget goes; it goes on where it stopped before. */
static void let(struct plan *p, enum portfolio which, uint64_t executions)
{
	struct phase *phase = &p->phase[which];
	if (over(p) || phase->ended)
		return;
	if (!p->opened[which])
		p->why = phase_open(p->x, phase, kinds[which], which == WITH_BOUND ? with_delays : NULL);
	if (p->why)
		return;
	p->opened[which] = true;
	uint64_t before = phase->runs;
	run(p, phase, executions);
	/* That everything was explored is first of all the exhaustive search's to say. */
	if (which == WITH_DPOR)
		take_proof(p, which);
	plan_note(p->x, kinds[which]->name, phase->runs - before);
}

/* Does the exhaustive search end within the budget, as far as can be told? UNKNOWN: what to take for an answer if it cannot. */
static bool fits(const struct plan *p, bool unknown)
{
	double whole = phase_estimate(&p->phase[WITH_DPOR]);
	if (whole <= 0)
		return unknown;
	double shards = p->x->options->shards, done = (double)p->phase[WITH_DPOR].executions;
	return (whole - done) * shards <= (double)left(p->x);
}

/* Executions may be far longer than the one that was surveyed. What the first ones took says how many are worth it; those were made by
 * this process alone, however many there are. WORK: see struct runtime. */
static void fit_budget(struct exploration *x, uint64_t work)
{
	uint64_t made = x->result->executions + x->result->cut + x->result->abandoned + x->result->blocked;
	if (!x->options->steps_in_all || !made)
		return;
	uint64_t each = isolate_on() ? STEPS_ISOLATED : work / made / 16 + STEPS_BESIDES,
		 fit = x->options->steps_in_all / each + 1;
	x->budget = x->budget && x->budget < fit ? x->budget : fit;
}

int explore_auto(struct exploration *x)
{
	struct plan p = {.x = x};
	const struct explore_options *o = x->options;
	uint64_t budget = x->budget ? x->budget : NOMINAL, work = runtime->work;
	if (o->search_options && *o->search_options)
		return EINVAL;
	let(&p, WITH_BOUND, FIRST_BOUND);
	if (!p.phase[WITH_BOUND].ended) {
		let(&p, WITH_POS, FIRST_SAMPLES);
		let(&p, WITH_PCT, FIRST_SAMPLES);
		let(&p, WITH_SURW, FIRST_SAMPLES);
	}
	fit_budget(x, runtime->work - work);
	budget = x->budget ? x->budget : NOMINAL;
	let(&p, WITH_DPOR, budget / 4 > EARLY_EXHAUSTIVE ? budget / 4 : EARLY_EXHAUSTIVE);
	if (fits(&p, false))
		let(&p, WITH_DPOR, left(x));
	static const enum portfolio turns[] = {WITH_POS, WITH_PCT, WITH_SURW, WITH_RFF, WITH_RANDOM, WITH_BOUND};
	uint64_t share = (left(x) < budget ? left(x) : budget) / 10 + 1;
	for (unsigned i = 0; i < sizeof turns / sizeof *turns; i++)
		let(&p, turns[i], share);
	if (fits(&p, true))
		let(&p, WITH_DPOR, left(x));
	for (int round = 0; round < ROUNDS_MAX && !over(&p); round++)
		for (unsigned i = 0; i < sizeof turns / sizeof *turns; i++)
			let(&p, turns[i], x->budget ? left(x) / 6 + 1 : NOMINAL);
	take_proof(&p, WITH_BOUND);
	for (int i = 0; i < PORTFOLIO; i++)
		if (p.opened[i])
			phase_close(x, &p.phase[i]);
	return p.why;
}
