/* SPDX-License-Identifier: MIT */
/* `onceproof check`: a user's own code under the engines, in order of cost, until the answer is final.
 *
 * A subject is what is checked under one build: one program (which may be made from a scenario file), or one implementation of a family.
 * Its results are onceproof/1 results (reports/result.h), one for each engine and scenario; check_conclude makes of them the one verdict
 * that the user asked for.
 */
#ifndef ONCEPROOF_CHECK_H
#define ONCEPROOF_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../program_build.h"

enum check_kind {
	CHECK_PROGRAM,        /* has a main */
	CHECK_SCENARIO_FILE,  /* declares actors with include/onceproof.h */
	CHECK_IMPLEMENTATION, /* ends with a family's export line */
	CHECK_EXECUTABLE,     /* --exe, and nothing to build it from */
};
/* "a whole program" … */
const char *check_kind_words(enum check_kind kind);

/* Engines as bits, in order of cost. */
enum check_engine {
	CHECK_EXPLORE = 1u << 0,
	CHECK_TSAN = 1u << 1,
	CHECK_NATIVE = 1u << 2,
	CHECK_HELGRIND = 1u << 3,
	CHECK_DRD = 1u << 4,
	CHECK_DEFAULT = CHECK_EXPLORE | CHECK_TSAN | CHECK_NATIVE,
};
/* "explore" …; NULL for what is no single engine. */
const char *check_engine_name(uint32_t engine);

/* What is checked. All pointers are borrowed. */
struct check_subject {
	const char *name;     /* `subject` of the results: the first file as given, or the executable */
	const char *scenario; /* `scenario` of the results: "program", or one of a scenario file */
	struct program_source source;
	const char *exe,
		*database;      /* the executable that source was read from, and the database as it was named; NULL: neither */
	char *const *arguments; /* argv[1], … of the program */
	size_t argument_count;
	const char *input; /* its standard input; NULL: empty */
};

struct check_plan {
	uint64_t seed;
	bool seed_given; /* else any seed's results do */
	const char *
		promises; /* names, separated by commas: what is judged; NULL: all but no_leak of a program, all of an implementation */
	double budget_s;     /* for the whole subject: the engines share it. It only stops: plans count executions */
	uint64_t executions; /* of the explorer's searches; 0: its own */
	const char *model, *strategy;
	unsigned jobs, shard, shards; /* of the explorer */
	const char *witness_folder;   /* NULL: no witnesses */
	uint32_t engines;             /* bits of enum check_engine */
	bool fixes;                   /* look for a change that verifiably helps */
	const char *helpers;          /* the folder libexec/onceproof */
	int verbosity;
	/* Told of each engine and each result; NULL: nobody. */
	void (*began)(void *arg, const char *subject, const char *scenario, const char *engine);
	void (*ended)(void *arg, const json_t *result);
	/* How many executions a search has made of about how many (0: unknown); NULL: not wanted. */
	void (*progress)(void *arg, unsigned long long executions, double estimate);
	void *arg;
	struct checkpoint *checkpoint; /* stress/checkpoint.h; NULL: none */
};

/* The promises of a program, separated by commas, for messages: "race_free, no_deadlock, …". */
const char *check_program_promises(void);
/* Are all of LIST (separated by commas) promises of a program? The first that is none is copied to WRONG. */
bool check_program_promises_valid(const char *list, char *wrong, size_t bytes);

/* Runs the engines of PLAN on the program SUBJECT and appends their results to RESULTS. Stops when the answer is final: a finding, or an
 * explored program that is proved. 0, or EXIT_USAGE after one complaint when it cannot be built. */
int check_program(const struct check_subject *subject, const struct check_plan *plan, json_t *results);

/* The same for the other kinds (scenario_file.c, implementation.c): all scenarios that the file declares, or that the family has. */
int check_scenario_file(const struct check_subject *subject, const struct check_plan *plan, json_t *results);
int check_implementation(const struct check_subject *subject, const struct check_plan *plan, json_t *results);

/* What SUBJECT's files are, by the symbols that they define. 0, or EXIT_USAGE after one complaint: they do not compile, or are nothing
 * that can be checked (the complaint says what would be). */
int check_recognise(const struct check_subject *subject, enum check_kind *kind);

/* The one verdict over RESULTS (those of one subject and build): a new object as in `checks[]` of a report (reports/result.h). */
json_t *check_conclude(const struct check_subject *subject, enum check_kind kind, const json_t *results);

/* Looks for changes that would mend FINDING (of RESULT, found by the explorer in SUBJECT) and verifies each by exploring again: a stronger order on
 * atomic operations, plain accesses made atomic, one lock around the accesses. Sets `fixes[]` of FINDING. Takes at most LIMIT_S. */
void check_fix(const struct check_subject *subject, const struct check_plan *plan, const json_t *result, json_t *finding,
	double limit_s);

#endif
