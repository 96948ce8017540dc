/* SPDX-License-Identifier: MIT */
/* The engine `explore`: a scenario on an implementation, explored by a worker of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../impl/support/say.h"
#include "../reports/result.h"
#include "check/engines.h"
#include "checkpoint.h"
#include "child.h"
#include "explored.h"

/* An execution of a batch takes many times that of a scenario, and no budget exhausts them. Of the plan `auto` the exhaustive search
 * takes the first 4000; some are left for its samplers. */
enum { BATCH_EXECUTIONS = 5000 };
enum { WORDS_MAX = 256, OPTIONS_MAX = 16, GRACE_S = 60 };

struct listener {
	const struct explore_plan *plan;
	const char *subject, *scenario;
};

/* "progress EXECUTIONS DISTINCT ESTIMATE" on the worker's stderr. */
static bool hear(void *arg, const char *line)
{
	const struct listener *listener = arg;
	unsigned long long executions, distinct;
	double estimate;
	if (sscanf(line, "progress %llu %llu %lf", &executions, &distinct, &estimate) != 3)
		return false;
	listener->plan->progress(
		listener->plan->progress_arg, listener->subject, listener->scenario, executions, distinct, estimate);
	return true;
}

/* The worker's command line. TEXTS keeps the words that are made here. */
static void command(char **words, char texts[8][64], const char *worker, const char *subject, const struct scenario *scenario,
	uint64_t executions, const struct stress_plan *plan)
{
	const struct explore_plan *explore = &plan->explore;
	size_t n = 0;
	snprintf(texts[0], 64, "%llu", (unsigned long long)executions);
	snprintf(texts[1], 64, "%llu", (unsigned long long)plan->seed);
	snprintf(texts[2], 64, "%g", plan->time_limit_s);
	snprintf(texts[3], 64, "%u/%u", explore->shard, explore->shards);
	const char *const given[] = {worker, subject, scenario->name, "-m", explore->model ? explore->model : "rc11", "-S",
		explore->strategy ? explore->strategy : "auto", "-n", texts[0], "-s", texts[1]};
	for (size_t i = 0; i < sizeof given / sizeof *given; i++)
		words[n++] = (char *)given[i];
	if (plan->time_limit_s > 0) {
		words[n++] = (char *)"-t";
		words[n++] = texts[2];
	}
	if (explore->shards > 1) {
		words[n++] = (char *)"-I";
		words[n++] = texts[3];
	}
	if (explore->jobs > 1) {
		snprintf(texts[4], 64, "%u", explore->jobs);
		words[n++] = (char *)"-j";
		words[n++] = texts[4];
	}
	for (size_t i = 0; explore->search_options && explore->search_options[i] && i < OPTIONS_MAX; i++) {
		words[n++] = (char *)"-o";
		words[n++] = (char *)explore->search_options[i];
	}
	for (size_t i = 0; explore->further && explore->further[i] && n < WORDS_MAX - 4; i++)
		words[n++] = (char *)explore->further[i];
	if (explore->first_only)
		words[n++] = (char *)"--first";
	if (explore->progress)
		words[n++] = (char *)"--progress";
	words[n] = NULL;
}

/* An explorer that cannot see into the implementation does not run it: it would judge another program. */
static bool skip_blind(json_t *result, const struct engine *engine, const struct registered *subject,
	const struct stress_plan *plan, const char *expected)
{
	char why[256];
	uint32_t blind = engine_blind_spots(engine) & subject->about->features;
	if (!blind)
		return false;
	snprintf(why, sizeof why, "the explorer controls no %s, which this implementation uses", feature_names(blind));
	result_judge(result, "skipped", expected, why);
	if (plan->explore.shards > 1)
		json_object_set_new(result, "shard", json_sprintf("%u/%u", plan->explore.shard, plan->explore.shards));
	return true;
}

static uint64_t planned(const struct engine *engine, const struct registered *subject, const struct scenario *scenario,
	const struct stress_plan *plan)
{
	if (scenario->family != FAMILY_PIPELINE)
		return engine_planned(engine, subject, scenario, plan);
	double executions = BATCH_EXECUTIONS * plan->effort;
	return executions < 1 ? 1 : (uint64_t)executions;
}

void explored_worker(const struct scenario *scenario, const char *programs, char *path, size_t bytes)
{
	snprintf(path, bytes, "%s/onceproof-explore%s", programs, scenario->family == FAMILY_PIPELINE ? "-batch" : "");
}

/* Was RESULT kept by an earlier run? Then it is that one. */
static bool from_checkpoint(json_t *result, const struct stress_plan *plan)
{
	json_t *kept = checkpoint_result(plan->explore.checkpoint, json_string_value(json_object_get(result, "subject")),
		json_string_value(json_object_get(result, "scenario")), json_string_value(json_object_get(result, "engine")));
	if (!kept)
		return false;
	json_object_clear(result);
	json_object_update(result, kept);
	json_decref(kept);
	return true;
}

/* Opens the search's way to the checkpoint, if there is one, and adds it to WORDS. false: it cannot be opened, and RESULT says so. */
static bool add_channel(json_t *result, const struct stress_plan *plan, const char *title, struct checkpoint_channel *channel,
	char **words, const char *expected)
{
	int why = checkpoint_channel_open(plan->explore.checkpoint, title, channel);
	size_t n = 0;
	if (why) {
		char text[256];
		snprintf(text, sizeof text, "its checkpoint cannot be reached: %s", strerror(why));
		result_judge(result, "inconclusive", expected, text);
		return false;
	}
	while (words[n])
		n++;
	for (size_t i = 0; channel->words[i] && n < WORDS_MAX - 1; i++)
		words[n++] = channel->words[i];
	words[n] = NULL;
	return true;
}

void explored_run(json_t *result, const struct engine *engine, const struct registered *subject, const struct scenario *scenario,
	const struct stress_plan *plan, const char *programs, const char *expected)
{
	if (skip_blind(result, engine, subject, plan, expected) || from_checkpoint(result, plan))
		return;
	char *words[WORDS_MAX], texts[8][64], worker[4096], name[128];
	const struct explore_plan *explore = &plan->explore;
	explored_worker(scenario, programs, worker, sizeof worker);
	snprintf(name, sizeof name, "%s/%s", family_name(subject->about->family), subject->about->name);
	uint64_t executions = explore->executions ? explore->executions : planned(engine, subject, scenario, plan);
	command(words, texts, worker, name, scenario, executions, plan);
	struct checkpoint_channel channel;
	char title[256];
	snprintf(title, sizeof title, "%s %s", name, scenario->name);
	if (!add_channel(result, plan, title, &channel, words, expected))
		return;
	struct listener listener = {explore, name, scenario->name};
	/* A time limit is the worker's own affair; the watchdog is for one that does not keep it. */
	double patience = plan->time_limit_s > 0 ? plan->time_limit_s + GRACE_S
						 : engine->watchdog_s * (plan->effort > 1 ? plan->effort : 1);
	struct child_options options = {.argv = words,
		.limits = subject->number == REGISTERED_BY_USER ? check_limits() : NULL,
		.timeout_s = patience,
		.fixed_addresses = engine->fixed_addresses,
		.output_max = (size_t)256 << 20,
		.heard = explore->progress ? hear : NULL,
		.heard_arg = &listener,
		.pass_fd = channel.fd};
	struct child_result child;
	int why = child_run(&options, &child);
	checkpoint_channel_close(&channel);
	if (why) {
		char text[4352];
		snprintf(text, sizeof text, "%s: cannot be started: %s", worker, strerror(why));
		result_judge(result, "inconclusive", expected, text);
		return;
	}
	json_t *answer = child.timed_out || child.interrupted ? NULL : json_loads(child.out, JSON_REJECT_DUPLICATES, NULL);
	bool whole = answer && WIFEXITED(child.status) &&
		     (WEXITSTATUS(child.status) == 0 || WEXITSTATUS(child.status) == EXIT_SKIPPED);
	const struct explored what = {.module = worker,
		.subject = subject,
		.scenario = scenario,
		.file = subject->file,
		.shard = explore->shards > 1 ? explore->shard : 1,
		.shards = explore->shards > 1 ? explore->shards : 1,
		.witness_folder = explore->witness_folder,
		.program = explore->program};
	if (whole)
		explored_judge(result, &what, answer, expected);
	else
		engine_judge_end(result, options.timeout_s, &child, expected);
	if (whole && !json_is_true(json_object_get(answer, "out_of_time")))
		checkpoint_keep(explore->checkpoint, result);
	if (explore->further) {
		json_object_set(result, "orders", json_object_get(answer, "orders"));
		json_object_set(result, "exhausted", json_object_get(answer, "exhausted"));
	}
	json_decref(answer);
	child_free(&child);
}
