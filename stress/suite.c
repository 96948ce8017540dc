/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <stdio.h>
#include <time.h>

#include "../reports/result.h"
#include "batches.h"
#include "child.h"

/* A scenario on a subject, or a batch of a choice. */
struct job {
	const struct engine *engine;
	const struct registered *subject;
	const struct scenario *scenario;
	const struct choice *choice; /* NULL: not a batch */
	char name[256];
};

static const char *job_scenario(const struct job *job)
{
	return job->choice ? "batch" : job->scenario->name;
}

struct batch_walk {
	const struct suite_options *options;
	bool (*visit)(void *context, size_t index, const struct job *job);
	void *context;
	size_t index;
	const struct engine *engine;
};

static bool offer_batch(void *arg, size_t position, const struct choice *choice)
{
	struct batch_walk *walk = arg;
	const struct suite_options *options = walk->options;
	struct job job = {.engine = walk->engine, .choice = choice};
	(void)position;
	choice_name(choice, job.name, sizeof job.name);
	if (options->wanted && !options->wanted(options->arg, job.name, job_scenario(&job)))
		return true;
	if (walk->visit && !walk->visit(walk->context, walk->index, &job))
		return false;
	walk->index++;
	return true;
}

/* Calls VISIT for each job in order until it returns false; returns how many there were. */
static size_t each_job(
	const struct suite_options *options, bool (*visit)(void *context, size_t index, const struct job *job), void *context)
{
	size_t index = 0;
	for (size_t s = 0; s < onceproof_registry_count; s++) {
		struct job job = {.subject = &onceproof_registry[s]};
		const struct implementation *about = job.subject->about;
		snprintf(job.name, sizeof job.name, "%s/%s", family_name(about->family), about->name);
		for (size_t g = 0; g < scenario_group_count; g++) {
			for (size_t i = 0; i < scenario_groups[g]->count; i++) {
				job.scenario = &scenario_groups[g]->list[i];
				if (!scenario_applies(job.scenario, about))
					continue;
				if (options->wanted && !options->wanted(options->arg, job.name, job.scenario->name))
					continue;
				for (size_t e = 0; options->engines[e]; e++) {
					job.engine = options->engines[e];
					if (engine_runs(job.engine, job.scenario) && visit && !visit(context, index, &job))
						return index;
					index += engine_runs(job.engine, job.scenario);
				}
			}
		}
	}
	struct batch_walk walk = {options, visit, context, index, NULL};
	for (size_t e = 0; options->engines[e]; e++) {
		walk.engine = options->engines[e];
		if (batches_by(walk.engine))
			batches_each(options->all_batches, offer_batch, &walk);
	}
	return walk.index;
}

size_t suite_count(const struct suite_options *options)
{
	return each_job(options, NULL, NULL);
}

struct running {
	const struct suite_options *options;
	json_t *results;
	size_t count;
	double started;
};

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool run_job(void *context, size_t index, const struct job *job)
{
	struct running *running = context;
	const struct suite_options *options = running->options;
	if (index % options->shards != options->shard - 1)
		return true;
	if (options->began)
		options->began(options->arg, index, running->count, job->engine->name, job->name, job_scenario(job));
	json_t *result;
	struct stress_plan plan = options->plan;
	double left = options->seconds - (now_s() - running->started);
	if (options->seconds > 0 && left <= 0) {
		const char *expected;
		result = job->choice ? batches_result(job->engine, job->choice, &expected)
				     : engine_result(job->engine, job->subject, job->scenario, &expected);
		result_judge(result, "inconclusive", expected, "not started: the time limit was reached");
	} else {
		if (options->seconds > 0 && (plan.time_limit_s <= 0 || plan.time_limit_s > left))
			plan.time_limit_s = left;
		result = job->choice ? batches_run(job->engine, job->choice, &plan, options->programs)
				     : engine_run(job->engine, job->subject, job->scenario, &plan, options->programs);
	}
	/* A result cut short by the user's interrupt is no result. */
	if (child_interrupted) {
		json_decref(result);
		return false;
	}
	json_array_append_new(running->results, result);
	if (options->ended)
		options->ended(options->arg, result);
	return true;
}

bool suite_run(const struct suite_options *options, json_t *report)
{
	struct running running = {options, json_object_get(report, "results"), suite_count(options), now_s()};
	each_job(options, run_job, &running);
	if (child_interrupted)
		json_object_set_new(report, "partial", json_true());
	return !child_interrupted;
}
