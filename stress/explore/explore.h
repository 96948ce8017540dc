/* SPDX-License-Identifier: MIT */
/* Explores a program: many executions under a search, findings told apart, each with a minimised witness.
 *
 * Not thread-safe; one exploration at a time in a process.
 */
#ifndef ONCEPROOF_EXPLORE_EXPLORE_H
#define ONCEPROOF_EXPLORE_EXPLORE_H

#include <jansson.h>

#include "runtime.h"

enum { EXPLORE_OUTCOMES_MAX = 16 };

/* What is explored. */
struct explore_program {
	void (*reset)(void *arg);       /* before each execution, by the host; may be NULL */
	void (*body)(void *arg);        /* thread 0 */
	unsigned (*outcome)(void *arg); /* after a complete execution, by the host: 0 .. outcome_count-1; NULL: none */
	bool (*forbidden)(void *arg, unsigned outcome); /* is it a finding? */
	const char *(*label)(void *arg, unsigned outcome);
	unsigned outcome_count;
	void *arg;
	/* A number that changes with whatever the host keeps of an execution for later ones; NULL: it keeps nothing. */
	uint64_t (*lasting)(void *arg);
	/* In a process that was forked in order to explore a part, by the host: what forks share becomes its own. 0, or an errno value: it
	 * cannot be. NULL: there is nothing. */
	int (*forked)(void *arg);
};

struct explore_options {
	enum memory_model model;
	const char *strategy; /* "auto" or a search's name */
	uint64_t seed;
	uint64_t executions;    /* budget; 0: no bound */
	uint64_t steps_in_all;  /* the budget is smaller where that many steps make fewer executions; 0: it is not */
	bool soon;              /* auto: after a finding only so many executions that others which come as easily are found, too */
	double time_limit_s;    /* 0: none */
	uint32_t steps_max;     /* 0: the default */
	unsigned shard, shards; /* one-based */
	unsigned jobs;          /* processes at once; 0, 1: this one only. The results are the same */
	bool symmetry;          /* explore one order of identical workers */
	bool spurious;          /* spurious wake-ups of condition variables are explored */
	bool first_only;        /* stop at the first finding */
	bool no_leaks;          /* memory that nothing points to in the end is no finding */
	bool races_end;         /* a race of accesses that are steps ends its execution */
	bool minimise;
	const char *const *search_options; /* "key=value", NULL-terminated; may be NULL */
	void (*progress)(
		void *arg, uint64_t executions, uint64_t distinct, double estimate); /* may be NULL; called now and then */
	void *progress_arg;
	int journal_fd;         /* a socket over which the exploration tells what it has done, and hears what was done before; 0: none */
	double journal_every_s; /* how often */
	const volatile int *stop; /* may be NULL; once it is not 0, the search ends as if it were out of time */
};

/* One step of a schedule, enough to repeat it: by thread and number, never by address. Threads of sources and places: GRAPH_NOBODY is the
 * initial store, GRAPH_NOBODY - 1 the newest one there is then (schedule.h). */
struct schedule_step {
	uint16_t thread;
	uint8_t kind, tag;
	uint16_t source_thread;
	uint32_t source_number;
	uint16_t place_thread;
	uint32_t place_number;
	uint32_t choice; /* 1 + the free choice made in it; 0: none */
};
struct schedule {
	uint32_t count;
	struct schedule_step *steps; /* owned */
};

/* A finding of the whole exploration. */
struct explored_finding {
	struct finding finding;
	uint64_t executions;      /* in how many it was seen */
	uint64_t first;           /* the first of them */
	struct schedule schedule; /* minimised if asked for */
	uint32_t recorded_count;
	struct recorded *recorded; /* steps of the witness; owned */
	uint32_t told;             /* how many of them show it: the rest is no matter of its table */
	unsigned stale, preemptions;
};

struct explore_result {
	uint64_t executions; /* complete ones, also those that ended with a finding */
	uint64_t blocked;    /* of the search's own: threads waited for values that the execution did not have */
	uint64_t abandoned, cut, diverged;
	uint64_t distinct; /* behaviours: classes by graph_hash */
	uint64_t outcomes[EXPLORE_OUTCOMES_MAX];
	bool exhausted; /* everything within model and bound was explored */
	bool out_of_time;
	char bound[320];             /* what "everything" means: "" or "preemptions <= 2", … */
	char plan[400];              /* the searches that ran, in order, with their executions */
	char caveat[400];            /* why it is inconclusive in spite of everything: uncontrolled calls; "" if there is none */
	double probability_depth[4]; /* PCT under sc: chance to have found a bug of depth 1..3; 0: no statement */
	double seconds;
	unsigned threads;   /* of the plain execution that comes first */
	unsigned processes; /* others that took part */
	uint64_t resumed;   /* executions that an earlier exploration made, and that were not made again */
	unsigned finding_count;
	struct explored_finding *findings; /* owned */
};

int explore(const struct explore_program *program, const struct explore_options *options, struct explore_result *result);
void explore_free(struct explore_result *result);

/* Repeats SCHEDULE; *DIVERGED is the step at which the program went another way, or UINT32_MAX. The steps are recorded
 * (runtime_recorded), findings are in runtime->finding. */
enum ending explore_replay(const struct explore_program *program, const struct explore_options *options,
	const struct schedule *schedule, uint32_t *diverged);

/* Makes SCHEDULE smaller without losing FINDING: fewest stale reads, then fewest preemptions, then fewest steps; until no single change
 * helps. Deterministic. Gives up after TRIES executions, WORK steps or the runtime's deadline. Returns how many steps it took. */
uint64_t explore_minimise(const struct explore_program *program, const struct explore_options *options,
	const struct finding *finding, struct schedule *schedule, unsigned tries, uint64_t work);

/* The schedule of the execution that just ended, from its graph. false: no memory. */
bool schedule_take(struct schedule *schedule);
bool schedule_copy(struct schedule *to, const struct schedule *from);
void schedule_free(struct schedule *schedule);

/* A search that follows SCHEDULE (borrowed) and, behind its end or where it cannot be followed, goes on without preemptions and with
 * newest stores. STRICT: where it cannot be followed it gives up instead. search_replay_at tells how far it came. */
struct search *search_replay(const struct schedule *schedule, bool strict);
uint32_t search_replay_diverged(const struct search *s); /* UINT32_MAX: it did not */

/* The whole result for the main program, addresses as numbers that it symbolises (see answer.c for the shape). New reference. */
json_t *explore_answer(
	const struct explore_program *program, const struct explore_options *options, const struct explore_result *result);

/* The same shape for one execution that was repeated: what explore_replay() returned and left in *DIVERGED. New reference. */
json_t *explore_replay_answer(
	const struct explore_program *program, const struct explore_options *options, enum ending how, uint32_t diverged);

/* Reads the member `schedule` of the witness file PATH (or of a finding of an answer). 0; or -1 with the reason in WHY. */
int explore_read_witness(const char *path, struct schedule *schedule, char *why, size_t bytes);

#endif
