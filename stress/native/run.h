/* SPDX-License-Identifier: MIT */
/* The native method: many executions of a scenario's actors by real threads at full speed.
 *
 * As jcstress does (OpenJDK; Shipilev, "jcstress" design notes), the actors run over an array of independent states: each thread
 * performs its actor on state after state, so a lock or a barrier is passed once per stride and never between the two operations that
 * are to collide. Strides vary from 64 to 4,096 states: long ones let threads drift against each other, short ones line them up again.
 */
#ifndef ONCEPROOF_NATIVE_RUN_H
#define ONCEPROOF_NATIVE_RUN_H

#include "../scenario.h"

/* How actors are lined up. A pthread barrier is slow, but valgrind's tools understand it. */
enum line_up { LINE_UP_SPIN, LINE_UP_PTHREAD };

struct run_options {
	uint64_t executions; /* the plan; reached unless the time limit stops the run */
	uint64_t seed;       /* decides strides, padding and which thread plays which actor */
	double time_limit_s; /* looked at between rounds; 0: none */
	enum line_up line_up;
	bool pin; /* one CPU per thread, as far as there are any */
};

struct run_result {
	uint64_t counts[SCENARIO_OUTCOMES_MAX]; /* executions by outcome */
	uint64_t executions;
	double seconds;
	int refused;      /* errno value of a set-up that could not be done; 0: none */
	bool out_of_time; /* the plan was not reached */
	unsigned cpus;    /* CPUs that this process may use */
};

/* Runs SCENARIO's actors on SUBJECT. 0, or an errno value if threads or memory could not be had. */
int run_actors(const struct scenario *scenario, const struct implementation *subject, const struct run_options *options,
	struct run_result *result);

/* Memory for one execution of SCENARIO on SUBJECT (object, seats, zeroed local), from one allocation that is never freed. */
int execution_allocate(struct execution *x, const struct scenario *scenario, const struct implementation *subject);

#endif
