/* SPDX-License-Identifier: MIT */
#include "advise_rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/counter/counter.h"
#include "../impl/initialiser/initialiser.h"
#include "../impl/progress/progress.h"
#include "advise_words.h"
#include "cli.h"

#define SOUND_INITIALISER                                                                                                   \
	(INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED | INITIALISER_RETRIES_FAILURE | \
		INITIALISER_NO_LEAK | INITIALISER_RACE_FREE)
#define EXACT_COUNTER (COUNTER_NO_LOST_UPDATE | COUNTER_MONOTONE_VALUE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE)
#define EXACT_PROGRESS (PROGRESS_NEVER_BACKWARDS | PROGRESS_LAST_IS_TOTAL | PROGRESS_RACE_FREE)

const struct need advise_needs[] = {
	{"exact", "the value never runs backwards and ends at the number of items",
		{SOUND_INITIALISER, EXACT_COUNTER, EXACT_PROGRESS}, false, NULL, NULL},
	{"unique", "as exact, and each increment returns a number of its own; there may be gaps",
		{SOUND_INITIALISER, EXACT_COUNTER, EXACT_PROGRESS}, true, "dense", "without gaps"},
	{"dense", "as unique, but without gaps: the numbers are 1 to N",
		{SOUND_INITIALISER, EXACT_COUNTER | COUNTER_UNIQUE_STEPS, EXACT_PROGRESS}, true, "unique",
		"where gaps are allowed"},
	{"linearizable", "as exact, and each value read is the count at one moment of the read",
		{SOUND_INITIALISER, EXACT_COUNTER | COUNTER_LINEARIZABLE_VALUE, EXACT_PROGRESS}, false, NULL, NULL},
	{"approximate", "the value may be a little off, and updates may be lost",
		{SOUND_INITIALISER, COUNTER_RACE_FREE, PROGRESS_NEVER_BACKWARDS | PROGRESS_RACE_FREE}, false, NULL, NULL},
};
const size_t advise_need_count = sizeof advise_needs / sizeof *advise_needs;

const struct need *advise_need(const char *name)
{
	for (size_t i = 0; i < advise_need_count; i++)
		if (strcmp(name, advise_needs[i].name) == 0)
			return &advise_needs[i];
	return NULL;
}

const char *candidate_header(const struct candidate *candidate)
{
	static const char mark[] = "#include <onceproof/";
	static char name[64];
	const char *at = candidate->entry ? strstr(candidate->entry->source, mark) : NULL;
	if (!at)
		return NULL;
	at += strlen("#include <");
	snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ">\n"), at);
	return name;
}

/* The promises that it does not claim, in words. */
static void say_lacking(struct candidate *c, uint32_t lacking)
{
	const struct implementation *about = c->entry->about;
	size_t count;
	const struct promise_info *promises = family_promises(about->family, &count);
	size_t first = (size_t)__builtin_ctz(lacking);
	const bool gaps = about->family == FAMILY_COUNTER && (lacking & COUNTER_UNIQUE_STEPS) && counter_of(c->entry)->tickets;
	int used = snprintf(c->reason, sizeof c->reason, "%s %s (%s)",
		about->missing & 1u << first ? "may break" : "does not offer", promises[first].name, promises[first].meaning);
	lacking &= lacking - 1;
	for (size_t i = 0; i < count && used < (int)sizeof c->reason - 32; i++)
		if (lacking & 1u << i)
			used += snprintf(c->reason + used, sizeof c->reason - (size_t)used, ", %s", promises[i].name);
	if (gaps && used < (int)sizeof c->reason)
		used += snprintf(c->reason + used, sizeof c->reason - (size_t)used,
			"; its numbers are unique, with gaps: --need unique takes such");
	if (c->price.row && c->price.row->lost > 0 && c->price.row->ops > 0 && used < (int)sizeof c->reason)
		snprintf(c->reason + used, sizeof c->reason - (size_t)used, "; lost %.2g %% when it was measured",
			100 * c->price.row->lost / c->price.row->ops);
}

static bool returns_unique_numbers(const struct registered *counter)
{
	const struct counter_implementation *it = counter_of(counter);
	return it->tickets || (it->about.claims & COUNTER_UNIQUE_STEPS);
}

static bool returns_steps(const struct registered *counter)
{
	return counter_of(counter)->about.claims & COUNTER_UNIQUE_STEPS;
}

/* Has it all that NEED asks of its family? */
static bool keeps(const struct registered *entry, const struct need *need)
{
	const struct implementation *about = entry->about;
	if (about->family == FAMILY_COUNTER && need->numbers && !returns_unique_numbers(entry))
		return false;
	return (need->promises[about->family] & ~about->claims) == 0;
}

/* Rule 1. */
static void judge_fitness(struct candidate *c, const struct question *q, const struct candidate *counter)
{
	const struct implementation *about = c->entry->about;
	uint32_t lacking = q->need->promises[about->family] & ~about->claims;
	c->kind = UNFIT;
	if (about->family == FAMILY_INITIALISER && initialiser_of(c->entry)->loading == LOADER_LINK_TIME)
		snprintf(c->reason, sizeof c->reason, "loads before main: not on first use");
	else if (lacking) {
		c->kind = LACKS_PROMISE;
		say_lacking(c, lacking);
	} else if (!keeps(c->entry, q->need)) {
		c->kind = LACKS_PROMISE;
		snprintf(c->reason, sizeof c->reason, "its increment returns no number%s",
			counter_of(c->entry)->steps ? " that is surely of its own" : "");
	} else if (about->family == FAMILY_PROGRESS && counter && progress_of(c->entry)->needs == PROGRESS_NEEDS_STEP &&
		   !returns_steps(counter->entry))
		snprintf(c->reason, sizeof c->reason, "needs the step of each increment, which %s does not return%s",
			counter->subject, counter_of(counter->entry)->tickets ? ": its numbers have gaps" : "");
	else if (c->price.row && c->price.row->broken) {
		c->kind = LACKS_PROMISE;
		snprintf(c->reason, sizeof c->reason, "broke its promise when it was measured: %s", c->price.row->broken);
	} else
		c->may = true;
}

/* How many of those who keep what is needed were measured with OPERATION and THREADS. */
static size_t covered(
	const struct evidence *e, const struct question *q, enum family family, const char *operation, unsigned threads)
{
	size_t count = 0;
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct registered *entry = &onceproof_registry[i];
		char subject[96];
		snprintf(subject, sizeof subject, "%s/%s", family_name(family), entry->about->name);
		if (entry->about->family == family && keeps(entry, q->need))
			count += evidence_price(e, subject, operation, threads).known;
	}
	return count;
}

/* Each number of threads is looked at once. */
static bool is_first_with_threads(const struct evidence *e, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (e->rows[i].threads == e->rows[at].threads)
			return false;
	return true;
}

/* Sets the operation and the number of threads of all prices of a family. One that is opaque to the compiler comes before a bare loop. */
static void choose_rows(struct decision *d, const struct evidence *e, const struct question *q)
{
	static const char *const operations[][2] = {
		[FAMILY_INITIALISER] = {"get", "get"},
		[FAMILY_COUNTER] = {"increment_call", "increment"},
		[FAMILY_PROGRESS] = {"step", "step"},
	};
	size_t most = 0;
	for (size_t i = 0; i < e->count; i++)
		for (int k = 0; k < 2 && is_first_with_threads(e, i); k++) {
			size_t count = covered(e, q, d->family, operations[d->family][k], e->rows[i].threads);
			most = count > most ? count : most;
		}
	double nearest = INFINITY;
	for (int k = 0; k < 2 && most > 0; k++)
		for (size_t i = 0; i < e->count; i++) {
			const unsigned threads = e->rows[i].threads;
			const double far = fabs(log((double)threads / q->threads));
			if (far >= nearest || !is_first_with_threads(e, i) ||
				2 * covered(e, q, d->family, operations[d->family][k], threads) < most)
				continue;
			nearest = far;
			d->operation = operations[d->family][k];
			d->threads = threads;
		}
}

/* How much a reader at the asked rate slows increments down: by the measured rate that is nearest, none below a hundred a second. NaN: not
 * measured. */
static double slowed_by_reader(const struct evidence *e, const char *subject, unsigned threads, double reads_per_s)
{
	/* Rows: a reader every ms and one every 100 us; the limits lie half way in magnitude. */
	if (reads_per_s < 316)
		return 1;
	struct price alone = evidence_price(e, subject, "increment", threads);
	struct price read = {0};
	if (reads_per_s < 3162)
		read = evidence_price(e, subject, "increment_polled_1ms", threads);
	if (!read.known)
		read = evidence_price(e, subject, "increment_polled", threads);
	return alone.known && read.known && alone.ns > 0 ? fmax(read.ns / alone.ns, 1) : NAN;
}

/* One read of the value, where shards are dirty. NaN: not measured. */
static double read_price(const struct evidence *e, const char *subject)
{
	struct price read = evidence_price(e, subject, "read_dirty_8", 1);
	if (!read.known)
		read = evidence_price(e, subject, "read", 1);
	return read.known ? read.ns : NAN;
}

/* What a counter is charged whose reads were not measured. */
static void find_dearest_reads(struct decision *d, const struct evidence *e, const struct question *q)
{
	d->read_ns = 0;
	d->slowed = 1;
	for (size_t i = 0; i < onceproof_registry_count && d->family == FAMILY_COUNTER; i++) {
		const struct registered *entry = &onceproof_registry[i];
		char subject[96];
		snprintf(subject, sizeof subject, "%s/%s", family_name(d->family), entry->about->name);
		if (entry->about->family != d->family || !keeps(entry, q->need))
			continue;
		/* fmax passes over what is NaN. */
		d->read_ns = fmax(d->read_ns, read_price(e, subject));
		d->slowed = fmax(d->slowed, slowed_by_reader(e, subject, d->threads, q->reads_per_s));
	}
}

/* Rule 2. A step row counts by fetch_add on one word; what that costs alone is not the telling's. */
static void judge_price(const struct evidence *e, struct candidate *c, const struct decision *d, const struct question *q)
{
	c->item_ns = c->low = c->high = NAN;
	if (!d->operation)
		return;
	c->price = evidence_price(e, c->subject, d->operation, d->threads);
	if (!c->price.known)
		return;
	double times = 1, more = 0, less = 0, more_still = 0; /* what is added, and how uncertain that is */
	if (d->family == FAMILY_COUNTER) {
		const double cores = q->threads < e->cores ? q->threads : e->cores;
		const double reads_per_item = q->reads_per_s * q->item_ns * 1e-9 / cores;
		const double read_ns = read_price(e, c->subject);
		times = slowed_by_reader(e, c->subject, d->threads, q->reads_per_s);
		times = isnan(times) ? d->slowed : times;
		more = reads_per_item * (isnan(read_ns) ? d->read_ns : read_ns);
	} else if (d->family == FAMILY_PROGRESS) {
		struct price counting = evidence_price(e, "floor/lock_xadd", "", d->threads);
		more = counting.known ? -counting.ns : 0;
		less = counting.known ? counting.high - counting.ns : 0;
		more_still = counting.known ? counting.ns - counting.low : 0;
	}
	/* Errors of two rows that were measured apart add up in squares. */
	const double item_ns = c->price.ns * times + more;
	c->item_ns = fmax(item_ns, 0);
	c->low = fmax(item_ns - hypot((c->price.ns - c->price.low) * times, less), 0);
	c->high = fmax(item_ns + hypot((c->price.high - c->price.ns) * times, more_still), 0);
}

static bool as_cheap(const struct candidate *c, const struct candidate *cheapest, double item_ns)
{
	return c->low <= cheapest->high || c->item_ns - cheapest->item_ns <= ADVISE_EQUAL * item_ns;
}

/* Rule 4: is A to be taken in B's place, where both are as cheap? B stands before it in reading order, or is NULL. */
static bool preferred(const struct candidate *a, const struct candidate *b)
{
	if (!b)
		return true;
	const bool header = candidate_header(a) != NULL;
	return header && !candidate_header(b);
}

/* Rules 3 and 4. */
static void choose(struct decision *d, const struct question *q)
{
	const struct candidate *simplest = NULL, *first = NULL; /* of the measured ones, and of all */
	for (size_t i = 0; i < d->count; i++) {
		const struct candidate *c = &d->list[i];
		if (!c->may)
			continue;
		first = first ? first : c;
		if (isnan(c->item_ns))
			continue;
		simplest = simplest ? simplest : c;
		if (!d->cheapest || c->item_ns < d->cheapest->item_ns)
			d->cheapest = c;
		if (!d->dearest || c->item_ns > d->dearest->item_ns)
			d->dearest = c;
	}
	d->matters = simplest && simplest->high >= ADVISE_MATTERS * q->item_ns;
	if (!d->matters) {
		d->taken = simplest ? simplest : first;
		return;
	}
	for (size_t i = 0; i < d->count; i++) {
		const struct candidate *c = &d->list[i];
		if (c->may && !isnan(c->item_ns) && as_cheap(c, d->cheapest, q->item_ns) && preferred(c, d->taken))
			d->taken = c;
	}
}

/* Why the others were not taken. */
static void give_reasons(struct decision *d, const struct question *q)
{
	const struct candidate *taken = d->taken;
	for (size_t i = 0; i < d->count; i++) {
		struct candidate *c = &d->list[i];
		if (c == taken) {
			c->kind = TAKEN;
			continue;
		}
		if (c->entry && !c->may)
			continue;
		if (isnan(c->item_ns)) {
			c->kind = UNMEASURED;
			const char *why = c->price.row && c->price.row->skipped ? c->price.row->skipped : NULL;
			snprintf(c->reason, sizeof c->reason, "not measured%s%.300s",
				why          ? ": "
				: d->threads ? " with as many threads"
					     : "",
				why ? why : "");
			continue;
		}
		const double ratio = taken && taken->item_ns > 0 ? c->item_ns / taken->item_ns : 0;
		const bool equal = !taken || isnan(taken->item_ns) || as_cheap(c, d->matters ? d->cheapest : taken, q->item_ns);
		c->kind = !c->entry ? PEER : equal || c->item_ns <= taken->item_ns ? AS_CHEAP : DEARER;
		char own[WORDS_BYTES], other[WORDS_BYTES], times[WORDS_BYTES];
		price_text(own, c->item_ns, c->low, c->high);
		if (c->kind == AS_CHEAP && !d->matters)
			snprintf(c->reason, sizeof c->reason, "as good here, and not as simple: %s an item", own);
		else if (c->kind == AS_CHEAP)
			snprintf(c->reason, sizeof c->reason, "as cheap, %s an item: %s", own,
				candidate_header(taken) && !candidate_header(c) ? "the one taken comes as a header"
										: "later in reading order");
		else if (ratio >= 1.05)
			snprintf(c->reason, sizeof c->reason, "%s times the price with %u thread%s: %s an item against %s",
				times_text(times, ratio), d->threads, d->threads == 1 ? "" : "s", own,
				price_text(other, taken->item_ns, taken->low, taken->high));
		else
			snprintf(c->reason, sizeof c->reason, "%s an item", own);
	}
}

static struct candidate *add(struct decision *d)
{
	struct candidate *longer = realloc(d->list, (d->count + 1) * sizeof *longer);
	if (!longer) {
		complain("advise: out of memory");
		exit(EXIT_USAGE);
	}
	d->list = longer;
	longer[d->count] = (struct candidate){.kind = PEER};
	return &longer[d->count++];
}

/* Other people's work that was measured beside ours: prices alone; their promises are theirs to state. */
static void add_peers(struct decision *d, const struct evidence *e, const struct question *q)
{
	char prefix[32];
	int length = snprintf(prefix, sizeof prefix, "%s/peer_", family_name(d->family));
	for (size_t i = 0; i < e->count; i++) {
		const char *name = e->rows[i].name;
		if (strncmp(name, prefix, (size_t)length) != 0)
			continue;
		int subject = length + (int)strcspn(name + length, "/");
		bool known = false;
		for (size_t k = 0; k < d->count; k++)
			known |= strncmp(d->list[k].subject, name, (size_t)subject) == 0 && !d->list[k].subject[subject];
		if (known)
			continue;
		struct candidate *c = add(d);
		snprintf(c->subject, sizeof c->subject, "%.*s", subject, name);
		judge_price(e, c, d, q);
		if (isnan(c->item_ns))
			d->count--;
	}
}

struct decision advise_decide(
	const struct evidence *e, const struct question *q, enum family family, const struct candidate *counter)
{
	struct decision d = {.family = family};
	choose_rows(&d, e, q);
	find_dearest_reads(&d, e, q);
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct registered *entry = &onceproof_registry[i];
		if (entry->about->family != family)
			continue;
		struct candidate *c = add(&d);
		c->entry = entry;
		snprintf(c->subject, sizeof c->subject, "%s/%s", family_name(family), entry->about->name);
		judge_price(e, c, &d, q);
		judge_fitness(c, q, counter);
	}
	add_peers(&d, e, q);
	choose(&d, q);
	give_reasons(&d, q);
	return d;
}

void decision_close(struct decision *d)
{
	free(d->list);
	*d = (struct decision){0};
}
