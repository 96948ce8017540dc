/* SPDX-License-Identifier: MIT */
/* Which implementation to take: the rules of `onceproof advise`, on the registry's promises and measured prices alone.
 *
 * 1. Who may be taken: claims every promise that the need asks of its family, returns numbers of the kind that it asks of a counter, and
 *    fits the rest of the choice.
 * 2. Its price: what it takes of an item's thread. All prices of a family are of one operation with one number of threads: the nearest to
 *    what is asked with which half of those who may be taken were measured. A counter's reads are charged to the items between them; one whose
 *    reads were not measured is charged the dearest that were.
 * 3. Where the simplest of them (of those that were measured the first in reading order) costs less than MATTERS of an item, with its whole interval, it does not
 *    matter: take that one.
 * 4. Else the cheapest. Those that cost at most EQUAL of an item more, or whose intervals meet, are as cheap; of these take one that comes as a
 *    header, then the first in reading order. */
#ifndef ONCEPROOF_ADVISE_RULES_H
#define ONCEPROOF_ADVISE_RULES_H

#include "../impl/contract.h"
#include "advise_evidence.h"

#define ADVISE_MATTERS 0.01
#define ADVISE_EQUAL 0.005

/* What is asked of the value. */
struct need {
	const char *name;
	const char *meaning;                    /* for --help and the answer */
	uint32_t promises[FAMILY_PROGRESS + 1]; /* that its families must claim */
	bool numbers;                           /* increments must return numbers, none of them twice; with or without gaps */
	const char *variant;                    /* the need that differs in gaps alone, or NULL */
	const char *variant_says;               /* the difference: "without gaps" */
};
extern const struct need advise_needs[];
extern const size_t advise_need_count;

/* The need called NAME, or NULL. */
const struct need *advise_need(const char *name);

struct question {
	const struct need *need;
	unsigned threads;
	double item_ns, reads_per_s;
};

enum verdict_kind { TAKEN, LACKS_PROMISE, UNFIT, DEARER, AS_CHEAP, UNMEASURED, PEER };

struct candidate {
	const struct registered *entry; /* NULL: other people's */
	char subject[96];
	bool may;                  /* rule 1 */
	struct price price;        /* of its operation */
	double item_ns, low, high; /* rule 2: what it takes of an item; NaN: not measured */
	enum verdict_kind kind;
	char reason[400]; /* a phrase */
};

struct decision {
	enum family family;
	const char *operation;  /* that was priced */
	unsigned threads;       /* with so many; 0: nothing was measured */
	double read_ns, slowed; /* of counters: the dearest read, and the most that a reader slows increments down */
	struct candidate *list; /* owned; in reading order */
	size_t count;
	const struct candidate *taken, *cheapest, *dearest; /* NULL: nobody may be taken; nobody of them was measured */
	bool matters;                                       /* the choice among those that may be taken */
};

/* Decides for one family; COUNTER is the counter that was taken, or NULL where the family is decided before it. */
struct decision advise_decide(
	const struct evidence *evidence, const struct question *question, enum family family, const struct candidate *counter);
void decision_close(struct decision *decision);

/* Is it one of the headers that can be taken along? "onceproof/tally.h", or NULL. Valid until the next call. */
const char *candidate_header(const struct candidate *candidate);

#endif
