/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../reports/result.h"
#include "batches.h"
#include "child.h"

/* A scenario on a subject, or a batch of a choice. */
struct job {
	const struct engine *engine;
	const struct registered *subject;
	const struct scenario *scenario;
	bool is_batch;
	struct choice choice; /* of a batch */
	char name[256];
};

static const char *job_scenario(const struct job *job)
{
	return job->is_batch ? "batch" : job->scenario->name;
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
	struct job job = {.engine = walk->engine, .is_batch = true, .choice = *choice};
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

/* Runs JOB now, or says that there was no time left for it. NULL: interrupted; a result cut short by the user is no result. */
static json_t *job_result(const struct running *running, const struct job *job)
{
	const struct suite_options *options = running->options;
	json_t *result;
	struct stress_plan plan = options->plan;
	double left = options->seconds - (now_s() - running->started);
	if (options->seconds > 0 && left <= 0) {
		const char *expected;
		result = job->is_batch ? batches_result(job->engine, &job->choice, &expected)
				       : engine_result(job->engine, job->subject, job->scenario, &expected);
		result_judge(result, "inconclusive", expected, "not started: the time limit was reached");
	} else {
		if (options->seconds > 0 && (plan.time_limit_s <= 0 || plan.time_limit_s > left))
			plan.time_limit_s = left;
		result = job->is_batch ? batches_run(job->engine, &job->choice, &plan, options->programs)
				       : engine_run(job->engine, job->subject, job->scenario, &plan, options->programs);
	}
	if (!child_interrupted)
		return result;
	json_decref(result);
	return NULL;
}

static void began(const struct running *running, size_t index, const struct job *job)
{
	const struct suite_options *options = running->options;
	if (options->began)
		options->began(options->arg, index, running->count, job->engine->name, job->name, job_scenario(job));
}

static void ended(const struct running *running, json_t *result)
{
	json_array_append_new(running->results, result);
	if (running->options->ended)
		running->options->ended(running->options->arg, result);
}

static bool run_job(void *context, size_t index, const struct job *job)
{
	struct running *running = context;
	if (index % running->options->shards != running->options->shard - 1)
		return true;
	began(running, index, job);
	json_t *result = job_result(running, job);
	if (result)
		ended(running, result);
	return result != NULL;
}

/* Jobs that several threads take in turn, each waiting for a worker process of its own. */
struct crew {
	struct running *running;
	struct job *jobs;
	json_t **results; /* by job; NULL: none yet, or interrupted */
	bool *done;
	size_t count, next; /* guarded by lock, like results and done */
	pthread_mutex_t lock;
	pthread_cond_t news;
};

static bool collect_job(void *context, size_t index, const struct job *job)
{
	struct crew *crew = context;
	const struct suite_options *options = crew->running->options;
	if (index % options->shards == options->shard - 1)
		crew->jobs[crew->count++] = *job;
	return true;
}

static void *work(void *arg)
{
	struct crew *crew = arg;
	pthread_mutex_lock(&crew->lock);
	while (crew->next < crew->count) {
		size_t at = crew->next++;
		pthread_mutex_unlock(&crew->lock);
		json_t *result = child_interrupted ? NULL : job_result(crew->running, &crew->jobs[at]);
		pthread_mutex_lock(&crew->lock);
		crew->results[at] = result;
		crew->done[at] = true;
		pthread_cond_signal(&crew->news);
	}
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

/* Takes the results in their order, whoever is ready first. */
static void take_in_order(struct crew *crew)
{
	for (size_t at = 0; at < crew->count; at++) {
		began(crew->running, at, &crew->jobs[at]);
		pthread_mutex_lock(&crew->lock);
		while (!crew->done[at])
			pthread_cond_wait(&crew->news, &crew->lock);
		json_t *result = crew->results[at];
		pthread_mutex_unlock(&crew->lock);
		if (result)
			ended(crew->running, result);
	}
}

/* False: not even one more thread or the room for the jobs could be had; nothing was run. */
static bool run_in_parallel(struct running *running)
{
	enum { JOBS_MAX = 256 };
	struct crew crew = {running, calloc(running->count + 1, sizeof *crew.jobs),
		calloc(running->count + 1, sizeof *crew.results), calloc(running->count + 1, sizeof *crew.done), 0, 0,
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};
	pthread_t threads[JOBS_MAX];
	unsigned started = 0;
	if (crew.jobs && crew.results && crew.done) {
		each_job(running->options, collect_job, &crew);
		while (started < running->options->jobs && started < crew.count && started < JOBS_MAX &&
			pthread_create(&threads[started], NULL, work, &crew) == 0)
			started++;
	}
	if (started)
		take_in_order(&crew);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	free(crew.jobs);
	free(crew.results);
	free(crew.done);
	return started > 0;
}

/* Does an engine among them run threads at full speed? Those would disturb one another. */
static bool at_full_speed(const struct suite_options *options)
{
	for (size_t e = 0; options->engines[e]; e++)
		if (!options->engines[e]->run)
			return true;
	return false;
}

bool suite_run(const struct suite_options *options, json_t *report)
{
	struct running running = {options, json_object_get(report, "results"), suite_count(options), now_s()};
	bool parallel = options->jobs > 1 && !at_full_speed(options) && running.count > 0;
	if (!parallel || !run_in_parallel(&running))
		each_job(options, run_job, &running);
	if (child_interrupted)
		json_object_set_new(report, "partial", json_true());
	return !child_interrupted;
}
