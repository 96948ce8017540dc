/* SPDX-License-Identifier: MIT */
/* The orders of progress/teller in particular: a teller sees what was done before the number that it tells, whoever offered it, and what the
 * teller before it did.
 *
 * The counter here publishes what is counted, and nothing else. Each worker makes a plain word before it steps. The front end, which is
 * entered by one thread at a time, keeps the last number in a plain word, and looks at what both made when it is told 2. A data race here is
 * a release or an acquire too few on the word that the teller's turn and the numbers share.
 */
#include <string.h>

#include "telling.h"

struct offers {
	struct telling telling;
	uint64_t counted;  /* atomic; releases what was made */
	uint64_t made[2];  /* each written by one worker before its step, read by the one who tells 2 */
	uint64_t shown;    /* by whoever tells */
	uint64_t not_made; /* likewise: 2 was told, and one of both was not there */
};

static uint64_t increment(void *arg)
{
	struct offers *o = arg;
	/* release: pairs with the acquire in value(). */
	return __atomic_add_fetch(&o->counted, 1, __ATOMIC_RELEASE);
}

static uint64_t value(void *arg)
{
	struct offers *o = arg;
	/* acquire: pairs with the release in increment(). */
	return __atomic_load_n(&o->counted, __ATOMIC_ACQUIRE);
}

static void tell(void *arg, uint64_t done, uint64_t total)
{
	struct offers *o = arg;
	o->shown = done;
	if (done == 2)
		o->not_made += o->made[0] + o->made[1] != 2;
	telling_record(&o->telling, done, total);
}

static int setup(const struct execution *x)
{
	struct offers *o = x->local;
	o->telling.sink = (struct progress_sink){tell, o};
	o->telling.source = (struct progress_source){increment, value, o};
	return telling_subject(x)->open(x->object, &o->telling.sink, 2);
}

static void make_and_step(const struct execution *x, unsigned worker)
{
	struct offers *o = x->local;
	o->made[worker] = 1;
	telling_subject(x)->step(x->object, &o->telling.source);
}

static void first(const struct execution *x)
{
	make_and_step(x, 0);
}

static void second(const struct execution *x)
{
	make_and_step(x, 1);
}

enum { TOLD, TOLD_TOO_EARLY, TOLD_WRONG };

static unsigned check(const struct execution *x)
{
	struct offers *o = x->local;
	telling_subject(x)->finish(x->object, &o->telling.source);
	telling_subject(x)->close(x->object);
	enum told told = telling_judge(&o->telling, 2);
	if (told != TOLD_IN_ORDER && told != TOLD_SKIPS)
		return TOLD_WRONG;
	return o->not_made || o->shown != 2 ? TOLD_TOO_EARLY : TOLD;
}

static bool is_teller(const struct implementation *about)
{
	return strcmp(about->name, "teller") == 0;
}

static const struct outcome_rule outcomes[] = {
	[TOLD] = {"told", GRADE_ACCEPTABLE, 0, "who told 2 saw what both workers made, and the number told before"},
	[TOLD_TOO_EARLY] = {"too early", GRADE_FORBIDDEN, PROGRESS_RACE_FREE, "2 was told and what it stands for was not there"},
	[TOLD_WRONG] = {"wrong", GRADE_FORBIDDEN, PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_DUPLICATES | PROGRESS_LAST_IS_TOTAL,
		"a number was repeated or lower than the one before, or the last was not 2"},
};

static const struct scenario list[] = {
	{
		.family = FAMILY_PROGRESS,
		.name = "teller_offers",
		.shows = "two workers make something and step; whoever tells 2 looks at what both made",
		.checks = PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_DUPLICATES | PROGRESS_LAST_IS_TOTAL | PROGRESS_RACE_FREE,
		.applies = is_teller,
		.local_bytes = sizeof(struct offers),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = 2,
		.setup = setup,
		.actor = {first, second},
		.check = check,
	},
};
SCENARIO_GROUP(teller_offers, list);
