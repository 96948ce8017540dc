/* SPDX-License-Identifier: MIT */
/* The answer of `onceproof advise`, for people and as JSON. */
#ifndef ONCEPROOF_ADVISE_TEXT_H
#define ONCEPROOF_ADVISE_TEXT_H

#include <jansson.h>
#include <stdbool.h>

#include "advise_rules.h"

struct advice {
	struct question question;
	const struct evidence *evidence;                /* borrowed */
	struct decision decisions[FAMILY_PROGRESS + 1]; /* by family */
	struct decision variant;                        /* the counter's, for the variant of the need; zero: it has none */
};

/* What whole batches of a choice showed (bench/studies.h); `known` false: they were not measured with it. */
struct batches {
	bool known;
	const char *choice, *found; /* borrowed from the evidence */
	unsigned threads;
	double crossing_ns, crossing_low, crossing_high, limit;
	double item_ns, overhead, low, high; /* the measured item cost that is nearest; low and high NaN: no interval */
	double age_ns;                       /* median age of the front end's news there; NaN: not known */
};
struct batches advice_batches(const struct advice *advice);

/* On stdout. VERBOSITY -1: only what to take; 1: every alternative on a line of its own. */
void advice_print(const struct advice *advice, int verbosity);

/* One line of the table of all needs, under advice_print_head's. */
void advice_print_head(void);
void advice_print_line(const struct advice *advice);

/* What the advice rests on, in one or two lines. */
void advice_print_evidence(const struct evidence *evidence);

/* {question {need, meaning, threads, item_ns, reads_per_s}, evidence {from ("given", "saved", "shipped"), file, this_machine, date, cpu, class,
 * cores, compiler, plan, processes, dropped, partial, loaded, passed_over}, take[] {family, subject, header, item_ns, low, high, share,
 * matters, why, row, row_threads}, variant {need, subject, header, item_ns, low, high, row, row_threads} or null, batch {choice, threads, limit, crossing_ns, crossing_low, crossing_high, item_ns, overhead, low, high, age_ns} or null,
 * rejected[] {subject, kind, reason, item_ns}}. Unknown numbers are null. A new reference. */
json_t *advice_json(const struct advice *advice);

#endif
