/* SPDX-License-Identifier: MIT */
/* Engines: ways in which interleavings come about. Each runs one scenario on one subject in a worker process and returns a judged
 * result (reports/result.h). The main program survives whatever the worker does.
 */
#ifndef ONCEPROOF_ENGINE_H
#define ONCEPROOF_ENGINE_H

#include <jansson.h>

#include "scenario.h"

/* What the engine `explore` is told beyond a plan. Zeroed: its defaults. */
struct explore_plan {
	const char *model;                 /* "sc" or "rc11"; NULL: rc11 */
	const char *strategy;              /* NULL: auto */
	uint64_t executions;               /* budget of each search; 0: the engine's own, times effort */
	unsigned shard, shards;            /* each search's part; 0, 0: all of it */
	unsigned jobs;                     /* processes in each search; 0, 1: one. Its results stay the same */
	const char *const *search_options; /* "key=value", NULL-terminated; NULL: none */
	bool first_only;                   /* stop at the first finding */
	const char *witness_folder;        /* NULL: no witnesses */
	const json_t *program;             /* of a user's implementation: what it takes to build it again; kept in witnesses */
	const char *const
		*further; /* more options of the worker, NULL-terminated; then results also have its `orders` and `exhausted` */
	struct checkpoint *checkpoint; /* what was done goes there, and what was done before comes from there; NULL: none */
	/* Called now and then with what a search has done so far; ESTIMATE of the whole, 0: unknown. NULL: not wanted. */
	void (*progress)(
		void *arg, const char *subject, const char *scenario, uint64_t executions, uint64_t distinct, double estimate);
	void *progress_arg;
};

/* How much to do. Plans count executions; the time limit only stops, and then the verdict is inconclusive. */
struct stress_plan {
	uint64_t seed;
	double effort;       /* multiplies the engine's own number of executions; 1: the default */
	double time_limit_s; /* per result; 0: none but the watchdog's */
	struct explore_plan explore;
};

struct engine {
	const char *name;
	const char *about;       /* one sentence: what it does and what it cannot see */
	bool scripts;            /* runs scripts instead of actors */
	bool sees_races;         /* reports data races, so it can refute race_free */
	uint32_t blind[2];       /* feature bits that it cannot judge: built by gcc, by clang */
	bool fresh_threads;      /* every actor has a thread of its own in each execution, which it may end */
	unsigned actors_max;     /* larger scenarios are not run by it */
	uint64_t executions;     /* default plan for a subject with many instances */
	uint64_t executions_one; /* the same where a process can have one instance only */
	/* Why it cannot run on this machine, or NULL if it can; borrowed text. */
	const char *(*missing)(void);
	/* Starts the worker; the common part builds the command line. */
	const char *worker;             /* program in libexec */
	const char *const *wrapper;     /* words in front of the worker's path (valgrind …), NULL-terminated; NULL: none */
	const char *const *environment; /* NAME=VALUE settings, NULL-terminated; NULL: none */
	bool fixed_addresses;           /* needs address-space randomisation off */
	double watchdog_s;
	/* Turns what the worker and its tool reported into findings of RESULT; NULL: outcomes only. FILES_TEXT is the tool's own output
	 * file, or NULL. Returns how many findings it added. */
	size_t (*findings)(json_t *result, const struct registered *subject, const json_t *answer, const char *tool_output);
	/* Runs and judges all by itself; NULL: the common way, as above. */
	void (*run)(json_t *result, const struct engine *engine, const struct registered *subject,
		const struct scenario *scenario, const struct stress_plan *plan, const char *programs, const char *expected);
};

/* All engines in the order in which they are run by default: native, tsan, explore, sequential, helgrind, drd. */
extern const struct engine *const engines[];
extern const size_t engine_count;

const struct engine *engine_find(const char *name);

/* Feature bits that ENGINE is blind to in this build. */
uint32_t engine_blind_spots(const struct engine *engine);

/* Does ENGINE run SCENARIO? (scripts or actors, and small enough) */
bool engine_runs(const struct engine *engine, const struct scenario *scenario);

/* A result that is not judged yet, with the additional keys `checks` (promises that this engine and scenario can refute), `claimed` and
 * `missing` (those of them that the subject claims or misses) and `claims` (all that it claims); *expected is set to "bug" or "clean". */
json_t *engine_result(
	const struct engine *engine, const struct registered *subject, const struct scenario *scenario, const char **expected);

/* Runs and judges. Returns a result as engine_result makes it. Never NULL. PROGRAMS is the folder of the workers. */
json_t *engine_run(const struct engine *engine, const struct registered *subject, const struct scenario *scenario,
	const struct stress_plan *plan, const char *programs);

struct child_result;

/* Judges a worker that gave no answer: watchdog, crash, a sanitizer that could not start, misuse. A crash is a finding. */
void engine_judge_end(json_t *result, double watchdog_s, const struct child_result *child, const char *expected);

/* Names of feature bits for people: "fences, call_once". Static storage. */
const char *feature_names(uint32_t features);

/* What the engine plans for one result, before its own rules. */
uint64_t engine_planned(const struct engine *engine, const struct registered *subject, const struct scenario *scenario,
	const struct stress_plan *plan);

/* The engine `explore` (stress/explored_run.c). */
void explored_run(json_t *result, const struct engine *engine, const struct registered *subject, const struct scenario *scenario,
	const struct stress_plan *plan, const char *programs, const char *expected);

/* The finding kinds of ThreadSanitizer's and valgrind's reports (stress/tsan/findings.c, stress/valgrind/findings.c). */
size_t tsan_findings(json_t *result, const struct registered *subject, const json_t *answer, const char *tool_output);
size_t valgrind_findings(json_t *result, const struct registered *subject, const json_t *answer, const char *tool_output);

#endif
