/* SPDX-License-Identifier: MIT */
/* First use: several threads get at once, and nothing is loaded yet. */
#include "model.h"

enum { FIRST_USE_ACTORS_MAX = 3 };

struct first_use {
	struct model_source source;
	struct model_seen seen[FIRST_USE_ACTORS_MAX]; /* each written by its actor, read by the check */
};

enum {
	LOADED_ONCE,
	LOADED_TWICE_DISCARDED,
	LOADED_TWICE_LEAKED,
	TWO_INSTANCES,
	TWO_INSTANCES_LEAKED,
	LEAKED,
	RELEASED_TWICE,
	NO_INSTANCE,
	NOT_WHOLE,
};

static const struct outcome_rule outcomes[] = {
	[LOADED_ONCE] = {"loaded once", GRADE_ACCEPTABLE, 0,
		"one load, one instance, seen whole by everyone and released by close"},
	[LOADED_TWICE_DISCARDED] = {"loaded twice, one discarded", GRADE_FORBIDDEN, INITIALISER_EXACTLY_ONCE,
		"two threads loaded; everyone got the same instance and the other one was released"},
	[LOADED_TWICE_LEAKED] = {"loaded twice, one leaked", GRADE_FORBIDDEN, INITIALISER_EXACTLY_ONCE | INITIALISER_NO_LEAK,
		"two threads loaded; everyone got the same instance and nobody released the other one"},
	[TWO_INSTANCES] = {"two instances", GRADE_FORBIDDEN, INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE,
		"two threads saw that nothing was loaded and loaded; they work with different instances"},
	[TWO_INSTANCES_LEAKED] = {"two instances, one leaked", GRADE_FORBIDDEN,
		INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_NO_LEAK,
		"two threads saw that nothing was loaded and loaded; the last pointer won and the other instance is never "
		"released"},
	[LEAKED] = {"loaded once, leaked", GRADE_FORBIDDEN, INITIALISER_NO_LEAK, "close did not release the only instance"},
	[RELEASED_TWICE] = {"released twice", GRADE_FORBIDDEN, INITIALISER_NO_LEAK,
		"more instances were released than were made"},
	[NO_INSTANCE] = {"no instance", GRADE_FORBIDDEN, INITIALISER_SAME_INSTANCE,
		"a get gave no instance, or one that no load made, although no load failed"},
	[NOT_WHOLE] = {"not whole", GRADE_FORBIDDEN, INITIALISER_FULLY_PUBLISHED,
		"a thread got the pointer and read words of a half-built or released instance"},
};

static int setup(const struct execution *x)
{
	const struct initialiser_implementation *subject = (const void *)x->subject;
	struct first_use *local = x->local;
	model_source_open(&local->source);
	return subject->open(x->object, &local->source.loader);
}

static void actor_0(const struct execution *x)
{
	((struct first_use *)x->local)->seen[0] = model_get(x);
}

static void actor_1(const struct execution *x)
{
	((struct first_use *)x->local)->seen[1] = model_get(x);
}

static void actor_2(const struct execution *x)
{
	((struct first_use *)x->local)->seen[2] = model_get(x);
}

/* MADE and RELEASED count instances; SAME: every get gave the same one. */
static unsigned account(uint32_t made, uint32_t released, bool same)
{
	if (released > made)
		return RELEASED_TWICE;
	if (made < 2 && !same)
		return NO_INSTANCE;
	if (made == 1)
		return released == 1 ? LOADED_ONCE : LEAKED;
	if (same)
		return released == made ? LOADED_TWICE_DISCARDED : LOADED_TWICE_LEAKED;
	return released == made ? TWO_INSTANCES : TWO_INSTANCES_LEAKED;
}

static unsigned judge(const struct execution *x, unsigned actors)
{
	const struct initialiser_implementation *subject = (const void *)x->subject;
	struct first_use *local = x->local;
	struct model_seen later = model_get(x);
	bool whole = later.whole, none = !later.model, same = true;
	for (unsigned i = 0; i < actors; i++) {
		const struct model_seen *seen = &local->seen[i];
		whole &= seen->whole;
		none |= !seen->model;
		same &= seen->model == later.model;
	}
	subject->close(x->object);
	if (!whole)
		return NOT_WHOLE;
	if (none)
		return NO_INSTANCE;
	if (subject->loading == LOADER_RUN_TIME)
		return account(model_made(&local->source), model_released(&local->source), same);
	struct model_linked *linked = initialiser_linked_loader.arg;
	/* relaxed: written before main. That instance stays until the process ends, so it counts as released. */
	uint32_t made = atomic_load_explicit(&linked->made, memory_order_relaxed) + model_made(&local->source);
	return account(made, made, same);
}

static unsigned check_two(const struct execution *x)
{
	return judge(x, 2);
}

static unsigned check_three(const struct execution *x)
{
	return judge(x, 3);
}

enum {
	CHECKS = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED | INITIALISER_NO_LEAK |
		 INITIALISER_RACE_FREE,
};

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_INITIALISER,
		.name = "first_use",
		.shows = "two threads get at once before anything is loaded, and read every word of what they got",
		.checks = CHECKS,
		.local_bytes = sizeof(struct first_use),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = 2,
		.setup = setup,
		.actor = {actor_0, actor_1},
		.check = check_two,
	},
	{
		.family = FAMILY_INITIALISER,
		.name = "first_use_three",
		.shows = "three threads get at once before anything is loaded, and read every word of what they got",
		.checks = CHECKS,
		.local_bytes = sizeof(struct first_use),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = 3,
		.setup = setup,
		.actor = {actor_0, actor_1, actor_2},
		.check = check_three,
	},
};

SCENARIO_GROUP(first_use, scenarios);
