/* SPDX-License-Identifier: MIT */
/* A scenario: what a few threads do to an implementation, and the outcomes that may be seen. Written once, run by every engine.
 *
 * Two shapes:
 *   actors  setup by one thread, then ACTORS threads at once, then check by one thread. Deterministic apart from scheduling and small
 *           enough to enumerate. Engines: native, tsan, helgrind, drd (and explore).
 *   script  one fixed order of steps, decided by the script: other threads are started, parked inside the user-supplied callbacks and
 *           let go again (stress/forced.h). Never more than one thread moves. Engine: sequential. Its evidence is deterministic.
 *
 * A scenario touches the implementation through its descriptor only, and keeps everything else in `local`. It must not synchronise
 * its actors itself, or it would hide the races: observations go to a place of each actor's own, or through relaxed atomics.
 */
#ifndef ONCEPROOF_SCENARIO_H
#define ONCEPROOF_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../impl/contract.h"
#include "../impl/counter/counter.h"
#include "../impl/initialiser/initialiser.h"
#include "../impl/progress/progress.h"

enum { SCENARIO_ACTORS_MAX = 4, SCENARIO_OUTCOMES_MAX = 12 };

enum grade { GRADE_ACCEPTABLE, GRADE_INTERESTING, GRADE_FORBIDDEN };

/* One outcome that the check can name. */
struct outcome_rule {
	const char *label; /* short: "2", "(1, 1)" */
	enum grade grade;  /* for an implementation that claims what it refutes; see outcome_grade() */
	uint32_t refutes;  /* promise bits that this outcome breaks; 0 unless forbidden */
	const char *why;   /* a sentence */
};

/* One run of a scenario: the memory that it uses. All pointers are borrowed; the engine owns them. */
struct execution {
	const struct implementation *subject;
	void *object;                    /* the subject's object, aligned for it; not cleared */
	void *seat[SCENARIO_ACTORS_MAX]; /* counters: a seat for each actor, each aligned; not cleared */
	void *local;                     /* the scenario's own state, local_bytes long, zeroed before setup; aligned to 64 */
};

struct scenario {
	enum family family;
	const char *name;  /* "two_increments" */
	const char *shows; /* one sentence: what the threads do */
	uint32_t checks;   /* promise bits that it can refute; it applies to subjects that claim or miss one of them */
	bool ends_threads; /* an actor may end its own thread: only engines with a thread for each actor in each execution run it */
	uint32_t blocked_refutes; /* promise bits that a thread breaks which never returns from its actor; 0: none by name */
	bool (*applies)(const struct implementation *subject); /* further needs (an optional operation …); NULL: none */
	size_t local_bytes;
	unsigned outcome_count;
	const struct outcome_rule *outcomes;
	/* Actors; actor_count is 0 for a script. setup returns 0 or an errno value (ENOSYS, ENOTSUP: the machine lacks something). check
	 * observes, closes the object and returns the index of the outcome. */
	unsigned actor_count;
	int (*setup)(const struct execution *x);
	void (*actor[SCENARIO_ACTORS_MAX])(const struct execution *x);
	unsigned (*check)(const struct execution *x);
	/* Script: everything in one call; returns the index of the outcome, or SCENARIO_SKIPPED. */
	unsigned (*script)(const struct execution *x);
};

#define SCENARIO_SKIPPED UINT32_MAX

/* The scenarios of one file of stress/scenario/; the file NN_group.c exports `scenario_group_group`. */
struct scenario_group {
	const struct scenario *list;
	size_t count;
};
#define SCENARIO_GROUP(id, array)                               \
	extern const struct scenario_group scenario_group_##id; \
	const struct scenario_group scenario_group_##id = {array, sizeof(array) / sizeof *(array)}

/* All groups; the build generates the table. */
extern const struct scenario_group *const scenario_groups[];
extern const size_t scenario_group_count;

/* Does SCENARIO say anything about SUBJECT? */
bool scenario_applies(const struct scenario *scenario, const struct implementation *subject);

/* The scenario called NAME of FAMILY, or NULL. */
const struct scenario *scenario_find(enum family family, const char *name);

/* The grade of an outcome for SUBJECT: a forbidden outcome that refutes only promises that SUBJECT does not offer is interesting. */
enum grade outcome_grade(const struct outcome_rule *rule, const struct implementation *subject);

/* "acceptable", "interesting", "forbidden". */
const char *grade_name(enum grade grade);

#endif
