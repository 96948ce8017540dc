/* SPDX-License-Identifier: MIT */
/* What explore.c, auto.c and minimise.c share. */
#ifndef ONCEPROOF_EXPLORE_EXPLORING_H
#define ONCEPROOF_EXPLORE_EXPLORING_H

#include "behaviours.h"
#include "explore.h"
#include "journal.h"
#include "schedule.h"
#include "searches.h"

enum {
	FINDINGS_KEPT_MAX = 128,
	UNCONTROLLED_MAX = 32,
	WASTED_MAX = 1000000, /* executions in a row that did not count */
};

struct exploration {
	const struct explore_program *program;
	const struct explore_options *options;
	struct explore_result *result;
	struct behaviours behaviours;
	uint64_t budget;     /* executions of all shards; 0: no bound */
	uint64_t spent;      /* executions that count against the budget, those of abandoned searches included */
	uint64_t wasted;     /* others: repeated and given-up ones */
	uint64_t order;      /* executions of all shards in the phases before */
	uint64_t promotions; /* races_promotions() so far */
	double started, last_clock;
	bool stopped; /* out of time, told to stop, the first finding was all that was wanted, no memory */
	bool no_memory;
	bool settled;     /* the budget was cut short because of a finding */
	bool seq_cst;     /* there are seq_cst accesses or fences */
	double missed[4]; /* chance that PCT missed a bug of depth 1 .. 3 so far */
	bool pct_void;    /* nothing can be stated */
	unsigned threads_hint;
	uint32_t steps_hint;
	unsigned uncontrolled_count;
	const char *uncontrolled[UNCONTROLLED_MAX];
	uint64_t alone;          /* turns that this process takes before it tries others again */
	unsigned failures;       /* of other processes to be of any use, in a row */
	uint64_t turns;          /* executions so far, also those that do not count */
	struct journal *journal; /* NULL: nothing is told */
};

/* A search at work. It can be interrupted by others and go on. */
struct phase {
	const struct search_kind *kind;
	struct search *search;
	const char *const *options; /* "key=value", NULL-terminated; may be NULL */
	uint64_t number;            /* of the next execution: of all shards if the kind is independent, else of this one */
	uint64_t runs;              /* executions so far, those before a restart included */
	uint64_t runs_before, number_before; /* when it began or went on last */
	/* Since the search was opened: what a restart takes back. */
	uint64_t executions, blocked, cut;
	uint64_t outcomes[EXPLORE_OUTCOMES_MAX];
	bool ended;    /* the search says that there is nothing left */
	bool diverged; /* the program did not repeat itself: nothing is exhausted */
};

/* Opens a search of KIND as PHASE. 0, or an errno value (EINVAL: an option that it does not have). */
int phase_open(struct exploration *x, struct phase *phase, const struct search_kind *kind, const char *const *options);
/* The next execution. */
void phase_step(struct exploration *x, struct phase *phase);
/* Up to EXECUTIONS more of all shards together. */
void phase_run(struct exploration *x, struct phase *phase, uint64_t executions);
/* Notes what the phase is evidence of, then closes it. */
void phase_close(struct exploration *x, struct phase *phase);
/* Did the phase explore everything, or everything within what it says in BOUND? */
bool phase_exhausted(const struct exploration *x, const struct phase *phase, char *bound, size_t bytes);
double phase_estimate(const struct phase *phase);

/* CLOSELY: the time, too, and not only whether somebody wants it to stop. */
void exploration_look_at_clock(struct exploration *x, bool closely);

/* Notes a behaviour by its HASH. false: no memory. */
bool exploration_add_behaviour(struct exploration *x, uint64_t hash);

/* Whatever outlives executions and is no mere number, as a number. */
uint64_t exploration_lasting(const struct exploration *x);

/* parallel.c: called behind every TURNS executions of PHASE, of which LEFT more are wanted (of a sampler: numbers). If it is worth while,
 * other processes make as many of those as they can make just as this one would. */
void parallel_run(struct exploration *x, struct phase *phase, uint64_t left, uint64_t turns);

/* auto.c */
int explore_auto(struct exploration *x);
/* Adds "NAME N" to the plan. */
void plan_note(struct exploration *x, const char *name, uint64_t executions);

/* Configures the runtime; FULL: with full graphs. 0, or an errno value. */
int explore_configure(const struct explore_options *options, bool full);
/* One execution of PROGRAM under SEARCH, whose begin() was called. */
enum ending explore_execute(const struct explore_program *program, struct search *search);
/* Is the outcome of the execution that just ended in HOW a forbidden one? Describes it in FINDING. *OUTCOME: the outcome, or UINT32_MAX. */
bool explore_forbidden(const struct explore_program *program, enum ending how, struct finding *finding, unsigned *outcome);

/* repeat.c: minimises FOUND's schedule if the options want that, and repeats it for its table. *SPENT: steps that it took for this finding
 * and those before. false: no memory. */
bool explore_witness(const struct explore_program *program, const struct explore_options *options, struct explored_finding *found,
	uint64_t *spent);
/* The execution that RESULT's finding FIRST was repeated in may show other races as well. Of a long one they are told from there: each of its own
 * would be as long. To be called right behind explore_witness. */
void explore_share_witness(struct explore_result *result, unsigned first);
/* Does the execution that just ended in HOW show the finding with KEY? It is copied to *FINDING if that is not NULL. */
bool explore_shows(const struct explore_program *program, enum ending how, uint64_t key, struct finding *finding);

#endif
