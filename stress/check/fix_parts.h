/* SPDX-License-Identifier: MIT */
/* What the parts of check_fix share: traces (what threads did in the executions that show findings), changes that are tried, their words.
 *
 * A site is the return address of a step's call into the runtime, counted from the start of the program; 0: none.
 */
#ifndef ONCEPROOF_FIX_PARTS_H
#define ONCEPROOF_FIX_PARTS_H

#include "../explore_file.h"
#include "../symbolise.h"
#include "engines.h"

enum {
	FIX_FRAMES_MAX = 12,
	FIX_HELD_MAX = 8,
	FIX_PLACES_MAX = 8,
	FIX_STACK_MAX = 24,
	FIX_SITES_MAX = 24,
	FIX_EDITS_MAX = 48,
	FIX_VARIABLES_MAX = 64,
	FIX_NAME_MAX = 96,
};

/* Traces ------------------------------------------------------------------------------------------------------------------------------- */

enum fix_step_kind {
	FIX_OTHER,
	FIX_PLAIN,
	FIX_ATOMIC,
	FIX_FENCE,
	FIX_LOCK,   /* a mutex was taken */
	FIX_UNLOCK, /* a mutex was given back */
	FIX_WAIT,   /* begins to wait on a condition variable */
	FIX_SIGNAL, /* of one */
};

struct fix_step {
	enum fix_step_kind kind;
	unsigned trace, thread, bytes;
	bool reads, writes;
	bool racing;              /* one of the two accesses of a data race */
	bool foreign;             /* of a changed program, and not racing: says only what comes behind what */
	const char *tag, *order;  /* of the answer */
	uint64_t address, global; /* global: in the program, counted from its start; 0: it lies elsewhere */
	unsigned frame_count;
	uint64_t frame[FIX_FRAMES_MAX]; /* frame[0] is the site */
	unsigned held_count;
	uint32_t held[FIX_HELD_MAX]; /* the steps that took the mutexes that the thread has */
};

/* What threads did in each finding's execution, in order. */
struct fix_traces {
	const char *module;
	const struct program_source *source;
	bool cxx;        /* some file is C++ */
	json_t *answer;  /* of the explorer; owned */
	json_t *further; /* answers of fix_traces_add; owned */
	unsigned trace_count;
	unsigned own_traces; /* the first ones: of the program as it is */
	size_t own_count;
	int only; /* that trace alone matters, and further ones; -1: all do */
	size_t count;
	struct fix_step *step; /* owned */
	struct fix_spot *spot; /* instructions that were looked up; owned */
	size_t spot_count;
};

/* Takes over ANSWER. */
void fix_traces_open(struct fix_traces *t, const char *module, const struct program_source *source, json_t *answer);
/* Adds the racing plain accesses of a further ANSWER: of executions of a changed program, in which other steps are not as they were.
 * Returns whether there were any. */
bool fix_traces_add(struct fix_traces *t, json_t *answer);
/* Forgets them. */
void fix_traces_forget(struct fix_traces *t);
void fix_traces_close(struct fix_traces *t);

/* The source places of the call that returns to FRAME, innermost inlined function first. *COUNT may be 0. Borrowed until the next call. */
const struct source_place *fix_places(struct fix_traces *t, uint64_t frame, size_t *count);

/* All places of STEP, innermost first, that have a line. Returns how many. */
size_t fix_stack(struct fix_traces *t, const struct fix_step *step, struct source_place stack[FIX_STACK_MAX]);

/* The innermost of them; false: there is none. */
bool fix_place(struct fix_traces *t, const struct fix_step *step, struct source_place *place);

/* FILE as findings name it: from the current folder, if it lies below. */
void fix_user_file(const char *file, char *out, size_t bytes);

/* How the source names what STEP accesses or locks: "counter", "pair.b"; "" if that cannot be told. */
void fix_name(struct fix_traces *t, const struct fix_step *step, char *name, size_t bytes);

/* Is finding NUMBER of the answer what FINDING, judged, is about? */
bool fix_shows(struct fix_traces *t, size_t number, const json_t *finding);

/* Does STEP belong to a trace that matters? */
bool fix_matters(const struct fix_traces *t, const struct fix_step *step);

/* Does STEP hold the mutex at ADDRESS? Returns the step that took it, else NULL. */
const struct fix_step *fix_holds(const struct fix_traces *t, const struct fix_step *step, uint64_t address);

/* Changes ------------------------------------------------------------------------------------------------------------------------------ */

enum fix_edit_kind {
	FIX_EDIT_ORDER,  /* an atomic operation names another order */
	FIX_EDIT_ATOMIC, /* a plain access becomes an atomic one */
	FIX_EDIT_UPDATE, /* a read and a write become one update */
	FIX_EDIT_LOCK,   /* lines of a function are under a mutex */
};

struct fix_edit {
	enum fix_edit_kind kind;
	bool off;
	char file[SOURCE_FILE_MAX], function[SOURCE_FUNCTION_MAX]; /* as symbolise() has them */
	int line, last_line;
	char variable[FIX_NAME_MAX];
	uint64_t address; /* of the variable: edits with the same one belong together */
	/* Of accesses. */
	unsigned site_count;
	uint64_t site[FIX_SITES_MAX], second[FIX_SITES_MAX], third[FIX_SITES_MAX]; /* as amend_atomic_text() has them */
	bool reads, writes;
	const char *tag;                  /* "load", "store", "fetch_add", … */
	const char *order, *order_failed; /* as they become */
	const char *was;                  /* the order that the source names */
	bool failed_too;                  /* a compare-and-swap */
	/* Of a lock. */
	uint64_t mutex;                      /* where it lies in memory; 0: one that the program does not have yet */
	char lock_name[FIX_NAME_MAX];        /* of that mutex */
	const char *lock_call, *unlock_call; /* how the program takes it */
	/* Hold it, too; make one section of several; take it before another; take it twice. */
	enum { FIX_HOLD, FIX_MERGE, FIX_LOCK_FIRST, FIX_RECURSIVE } how;
	const char *ranges; /* fix_ranges() */
};

struct fix_change {
	unsigned count;
	struct fix_edit edit[FIX_EDITS_MAX];
};

/* The whole search. */
struct fixing {
	const struct check_subject *subject;
	const struct check_plan *plan;
	struct explore_file *file;
	struct fix_traces traces;
	json_t *baseline;     /* the program as it is, judged */
	const json_t *target; /* the finding of the baseline that alone is to be mended; NULL: all are */
	bool ever_zero;       /* the exit status of some execution is 0: another one is a finding */
	bool waits;           /* some finding is about threads that wait for ever */
	double until;         /* by check_clock() */
	unsigned tries;       /* so far */
	uint64_t executions;  /* of each try */
	char **texts;         /* owned by the search: ranges of code */
	size_t text_count;
};

/* What came of a change. */
struct fix_trial {
	bool holds;  /* nothing is found any more */
	bool proved; /* else it was not found within the executions */
	bool timed_out;
	bool broken; /* something that matters is found */
	long long executions;
	char bound[320];
	json_t *result; /* judged; owned */
	json_t *answer; /* of the explorer; owned */
};

/* Explores the program with CHANGE under F's plan, until the first finding. false: no time or no tries are left, or there is no answer.
 * The caller calls fix_trial_close. */
bool fix_try(struct fixing *f, const struct fix_change *change, struct fix_trial *out);
/* Are two findings of one kind, in the same lines? */
bool fix_same(const json_t *a, const json_t *b);
void fix_trial_close(struct fix_trial *trial);

/* Explores the program as it is, for at most LIMIT_S; the worker's answer, or NULL. */
json_t *fix_explore(struct fixing *f, const struct fix_change *change, double limit_s, bool first);

/* The instructions of lines FIRST to LAST of FUNCTION, calls that were inlined there included: "0x10-0x20,0x30-0x38"; NULL: there are none.
 * Owned by F. */
const char *fix_ranges(struct fixing *f, const char *file, const char *function, int first, int last);

/* Objects in memory. */
struct fix_variables {
	unsigned count;
	uint64_t address[FIX_VARIABLES_MAX];
	unsigned bytes[FIX_VARIABLES_MAX];
};
bool fix_overlaps(const struct fix_variables *v, const struct fix_step *s);
/* What data races are about; what several threads access and some write. */
void fix_racing(const struct fix_traces *t, struct fix_variables *v);
void fix_shared(const struct fix_traces *t, struct fix_variables *v);

/* Changes of accesses (fix_access.c). false: there is nothing to change, or it cannot be. Every one that weaker orders than ORDER name:
 * made that strong. Every plain access to V: made atomic. Atomic loads and stores to V that belong together: made one update. */
enum fix_order { FIX_RELAXED, FIX_ACQUIRE, FIX_RELEASE, FIX_ACQUIRE_RELEASE, FIX_SEQ_CST };
bool fix_orders(struct fix_traces *t, struct fix_change *change, enum fix_order order);
bool fix_atomics(struct fix_traces *t, const struct fix_variables *v, struct fix_change *change, enum fix_order order);
bool fix_updates(struct fix_traces *t, const struct fix_variables *v, struct fix_change *change);
void fix_set_order(struct fix_edit *e, enum fix_order order);
/* For qsort: edits by file and line. */
int fix_by_place(const void *a, const void *b);

/* Changes that put lines under a mutex (fix_lock.c). SHAPE: the lines of the accesses alone; in each function all from the first to the
 * last; the same in the function from which a thread comes to all of its accesses. MUTEX: its address in memory, of one that some step
 * has; 0: one that the program does not have yet. */
enum fix_shape { FIX_LINES, FIX_RANGES, FIX_CALLERS };
bool fix_locks(struct fixing *f, const struct fix_variables *v, enum fix_shape shape, uint64_t mutex, struct fix_change *change);
/* The Nth mutex of the program that some but not all accesses to V hold (with ALL: also those that all hold), those that most hold first;
 * 0: there is none. */
uint64_t fix_mutex(struct fixing *f, const struct fix_variables *v, bool all, unsigned n);
/* For a deadlock: the Nth way to take locks in another order or under a further lock. */
bool fix_lock_order(struct fixing *f, unsigned n, struct fix_change *change);

/* CHANGE in words, and its edits[]. New references. */
json_t *fix_change_words(struct fix_traces *t, const struct fix_change *change);
json_t *fix_change_edits(struct fix_traces *t, const struct fix_change *change);
/* "with line 13 release and line 30 acquire". */
json_t *fix_change_short(struct fix_traces *t, const struct fix_change *change);

#endif
