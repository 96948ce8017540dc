/* SPDX-License-Identifier: MIT */
/* Random search. Three manners take turns at random, for no single one is best: any enabled thread with equal chance at every step;
 * the same thread with 80 %; about three switches in a whole execution. (Thomson, Donaldson and Betts, PPoPP 2014, section 5, found
 * plain random scheduling a strong baseline; always switching hides bugs that need a thread to run on.) No statement about
 * probability.
 */
#include "searches.h"

struct random_search {
	struct search search;
	struct stream random;
	struct staleness stale;
	uint32_t switches; /* of 65536 steps, one in which the thread may be left; 65536: always drawn anew */
};

enum { EVERY_STEP = 65536, ONE_IN_FIVE = EVERY_STEP / 5, SWITCHES_WANTED = 3, STEPS_UNKNOWN = 32 };

static bool random_begin(struct search *s, const struct moment *at)
{
	struct random_search *r = (struct random_search *)s;
	r->random = execution_random(s->seed, at->execution);
	r->stale = stale_begin(&r->random);
	uint32_t steps = s->steps_hint ? s->steps_hint : STEPS_UNKNOWN;
	switch (stream_below(&r->random, 4)) {
	case 0:
	case 1:
		r->switches = EVERY_STEP;
		break;
	case 2:
		r->switches = ONE_IN_FIVE;
		break;
	default:
		r->switches = steps <= SWITCHES_WANTED ? EVERY_STEP : EVERY_STEP / steps * SWITCHES_WANTED;
		break;
	}
	return true;
}

static unsigned random_thread(struct search *s, const struct moment *at)
{
	struct random_search *r = (struct random_search *)s;
	uint64_t among = at->enabled;
	if (search_enabled(at, at->current) && r->switches != EVERY_STEP) {
		if (at->current_yields || stream_below(&r->random, EVERY_STEP) < r->switches)
			among &= ~(1ull << at->current);
		else
			return at->current;
	}
	if (!among)
		return at->current;
	return search_nth_thread(among, 0, stream_below(&r->random, (uint32_t)__builtin_popcountll(among)));
}

static uint32_t random_store(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *stores, unsigned count)
{
	(void)at;
	(void)op;
	(void)stores;
	struct random_search *r = (struct random_search *)s;
	return stale_index(&r->stale, &r->random, count);
}

static uint32_t random_choice(struct search *s, const struct moment *at, unsigned thread, unsigned count)
{
	(void)at;
	(void)thread;
	return choice_index(&((struct random_search *)s)->random, count);
}

const struct search_kind search_random = {
	.name = "random",
	.about = "random threads and stores; no statement about probability",
	.independent = true,
	.bytes = sizeof(struct random_search),
	.begin = random_begin,
	.thread = random_thread,
	.source = random_store,
	.place = random_store,
	.choice = random_choice,
};
