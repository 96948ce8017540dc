/* SPDX-License-Identifier: MIT */
/* The orders of progress/monotone in particular: whoever answers another worker's news must see what that worker counted.
 *
 * The counter here is as weak as one can be: each worker adds to a plain word of its own. In its first question of a step the
 * teller knows of nobody's news, so it looks at its own word alone. It asks again only because the other has announced; then it
 * looks at both, and nothing but the announcement orders that. A data race here is a release or an acquire too few on `news`.
 */
#include <string.h>

#include "telling.h"

struct news;

struct worker {
	struct progress_source source;
	struct news *all; /* borrowed */
	uint64_t counted; /* written by this worker; read by the other one when it has seen the news, and by the check */
	unsigned asked;   /* this worker's own: calls of value() */
};

struct news {
	struct telling front_end;
	struct worker worker[2];
};

static uint64_t increment(void *arg)
{
	struct worker *mine = arg;
	mine->counted++;
	return 0;
}

static uint64_t value(void *arg)
{
	struct worker *mine = arg;
	if (mine->asked++ == 0)
		return mine->counted;
	return mine->all->worker[0].counted + mine->all->worker[1].counted;
}

static int setup(const struct execution *x)
{
	struct news *all = x->local;
	for (unsigned i = 0; i < 2; i++) {
		struct worker *worker = &all->worker[i];
		worker->source = (struct progress_source){increment, value, worker};
		worker->all = all;
	}
	all->front_end.sink = (struct progress_sink){telling_record, &all->front_end};
	return telling_subject(x)->open(x->object, &all->front_end.sink, 2);
}

static void step_first(const struct execution *x)
{
	struct news *all = x->local;
	telling_subject(x)->step(x->object, &all->worker[0].source);
}

static void step_second(const struct execution *x)
{
	struct news *all = x->local;
	telling_subject(x)->step(x->object, &all->worker[1].source);
}

static unsigned check(const struct execution *x)
{
	struct news *all = x->local;
	telling_subject(x)->close(x->object);
	return telling_judge(&all->front_end, 2) == TOLD_IN_ORDER ? 0 : 1;
}

static bool is_monotone(const struct implementation *about)
{
	return strcmp(about->name, "monotone") == 0;
}

static const struct outcome_rule outcomes[] = {
	{"1, 2", GRADE_ACCEPTABLE, 0, "the teller was brought news and asked again"},
	{"1", GRADE_ACCEPTABLE, 0,
		"each worker was elected on its own and saw its own count, which is all that this counter shows it"},
};

static const struct scenario list[] = {
	{
		.family = FAMILY_PROGRESS,
		.name = "monotone_news",
		.shows = "two workers count in plain words of their own; only the news orders the teller's look at both",
		.checks = PROGRESS_RACE_FREE,
		.applies = is_monotone,
		.local_bytes = sizeof(struct news),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = 2,
		.setup = setup,
		.actor = {step_first, step_second},
		.check = check,
	},
};
SCENARIO_GROUP(monotone_news, list);
