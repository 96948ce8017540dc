/* SPDX-License-Identifier: MIT */
#include "batches.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "../impl/pipeline/batch.h"
#include "../impl/support/say.h"
#include "../reports/result.h"
#include "child.h"
#include "explored_batch.h"

bool batches_by(const struct engine *engine)
{
	return strcmp(engine->name, "native") == 0 || strcmp(engine->name, "tsan") == 0 || engine->run;
}

static struct batch_options choice_options(const struct choice *choice)
{
	return (struct batch_options){.initialiser = initialiser_of(choice->initialiser),
		.counter = counter_of(choice->counter),
		.progress = progress_of(choice->progress)};
}

static bool possible(const struct choice *choice)
{
	const struct batch_options options = choice_options(choice);
	return batch_impossible(&options) == NULL;
}

struct walk {
	size_t count;
	bool (*visit)(void *arg, size_t index, const struct choice *choice);
	void *arg;
	bool stopped;
};

static void offer(struct walk *walk, const struct registered *initialiser, const struct registered *counter,
	const struct registered *progress)
{
	struct choice choice = {initialiser, counter, progress};
	if (walk->stopped || !initialiser || !counter || !progress || !possible(&choice))
		return;
	if (walk->visit && !walk->visit(walk->arg, walk->count, &choice))
		walk->stopped = true;
	walk->count++;
}

static void offer_all(struct walk *walk)
{
	for (size_t i = 0; i < onceproof_registry_count; i++)
		for (size_t c = 0; c < onceproof_registry_count; c++)
			for (size_t p = 0; p < onceproof_registry_count; p++) {
				const struct registered *entries = onceproof_registry;
				if (entries[i].about->family == FAMILY_INITIALISER &&
					entries[c].about->family == FAMILY_COUNTER && entries[p].about->family == FAMILY_PROGRESS)
					offer(walk, &entries[i], &entries[c], &entries[p]);
			}
}

static void offer_covering(struct walk *walk)
{
	const struct registered *initialiser = registry_find(FAMILY_INITIALISER, "atomic");
	const struct registered *counter = registry_find(FAMILY_COUNTER, "atomic");
	const struct registered *progress = registry_find(FAMILY_PROGRESS, "monotone");
	offer(walk, registry_find(FAMILY_INITIALISER, "naive"), registry_find(FAMILY_COUNTER, "naive"),
		registry_find(FAMILY_PROGRESS, "plain_global"));
	offer(walk, initialiser, counter, progress);
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct registered *entry = &onceproof_registry[i];
		if (entry == initialiser || entry == counter || entry == progress)
			continue;
		enum family family = entry->about->family;
		offer(walk, family == FAMILY_INITIALISER ? entry : initialiser, family == FAMILY_COUNTER ? entry : counter,
			family == FAMILY_PROGRESS ? entry : progress);
	}
}

size_t batches_each(bool full, bool (*visit)(void *arg, size_t index, const struct choice *choice), void *arg)
{
	struct walk walk = {.visit = visit, .arg = arg};
	if (full)
		offer_all(&walk);
	else
		offer_covering(&walk);
	return walk.count;
}

void choice_name(const struct choice *choice, char *name, size_t size)
{
	snprintf(name, size, "pipeline/%s+%s+%s", choice->initialiser->about->name, choice->counter->about->name,
		choice->progress->about->name);
}

void choice_subject(const struct choice *choice, struct choice_subject *subject)
{
	const struct implementation *parts[] = {choice->initialiser->about, choice->counter->about, choice->progress->about};
	const struct batch_options options = choice_options(choice);
	uint32_t claims = batch_claims(&options);
	char name[256];
	choice_name(choice, name, sizeof name);
	snprintf(subject->name, sizeof subject->name, "%s", strchr(name, '/') + 1);
	subject->about = (struct implementation){.family = FAMILY_PIPELINE,
		.name = subject->name,
		.claims = claims,
		.missing = ((1u << PIPELINE_PROMISES) - 1) & ~claims};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		subject->about.features |= parts[i]->features;
	/* The whole pipeline has no file of its own: a finding names the part. */
	subject->registered = (struct registered){0, "", &subject->about, ""};
}

bool choice_find(const char *name, struct choice *choice)
{
	char parts[3][64];
	if (sscanf(name, "pipeline/%63[^+]+%63[^+]+%63s", parts[0], parts[1], parts[2]) != 3)
		return false;
	*choice = (struct choice){registry_find(FAMILY_INITIALISER, parts[0]), registry_find(FAMILY_COUNTER, parts[1]),
		registry_find(FAMILY_PROGRESS, parts[2])};
	return choice->initialiser && choice->counter && choice->progress && possible(choice);
}

static void judge(json_t *result, const struct choice *choice, const struct engine *engine, const json_t *answer,
	const char *expected, const char *raw)
{
	char why[512];
	struct choice_subject whole;
	choice_subject(choice, &whole);
	uint32_t features = whole.about.features;
	uint32_t refuted = (uint32_t)json_integer_value(json_object_get(answer, "refuted"));
	const json_t *impossible = json_object_get(answer, "impossible");
	json_object_set(result, "peak_bytes", json_object_get(answer, "peak_bytes"));
	if (json_is_string(impossible)) {
		result_judge(result, "skipped", expected, json_string_value(impossible));
		return;
	}
	long long batches = json_integer_value(json_object_get(answer, "batches"));
	json_object_set_new(result, "executions", json_integer(batches));
	for (int p = 0; p < PIPELINE_PROMISES; p++) {
		const char *seen_so = json_string_value(json_array_get(json_object_get(answer, "sentences"), (size_t)p));
		if (refuted >> p & 1)
			result_add_finding(result, "forbidden-outcome", seen_so, FAMILY_PIPELINE, 1u << p);
	}
	/* A part that broke its own claim refutes no promise of the pipeline, and is never as stated. */
	size_t i;
	json_t *sentence;
	json_array_foreach(json_object_get(answer, "parts"), i, sentence)
		result_add_finding(result, "forbidden-outcome", json_string_value(sentence), FAMILY_PIPELINE, 0);
	uint32_t blind = engine_blind_spots(engine) & features;
	size_t seen = json_array_size(json_object_get(result, "findings"));
	if (blind && !seen) {
		json_t *probe = json_deep_copy(result);
		if (tsan_findings(probe, &whole.registered, answer, NULL))
			json_object_set_new(result, "raw_report", json_string(raw));
		json_object_set(result, "raw_findings", json_object_get(probe, "findings"));
		json_decref(probe);
		snprintf(why, sizeof why, "tsan built by %s is blind to %s, which a part uses; its raw report is kept",
			compiler_name(), feature_names(blind));
		result_judge(result, "skipped", expected, why);
		return;
	}
	if (blind) /* what the batch itself says was judged, data races were not */
		json_object_set_new(result, "checks",
			promise_names(FAMILY_PIPELINE, ((1u << PIPELINE_PROMISES) - 1) & ~(uint32_t)PIPELINE_RACE_FREE));
	seen += blind ? 0 : tsan_findings(result, &whole.registered, answer, NULL);
	snprintf(why, sizeof why, "%zu finding%s in %lld batches%s", seen, seen == 1 ? "" : "s", batches,
		seen ? "" : "; sampling proves nothing and has no probability bound");
	result_judge(result, seen ? "bug" : "not-found", expected, why);
}

json_t *batches_result(const struct engine *engine, const struct choice *choice, const char **expected)
{
	char name[256];
	choice_name(choice, name, sizeof name);
	json_t *result = result_new(name, "batch", engine->name, compiler_name());
	const struct batch_options options = choice_options(choice);
	uint32_t claims = batch_claims(&options);
	uint32_t checks = ((1u << PIPELINE_PROMISES) - 1) & ~(engine->sees_races ? 0u : (uint32_t)PIPELINE_RACE_FREE);
	*expected = (claims & checks) == checks ? "clean" : "bug";
	json_object_set_new(result, "checks", promise_names(FAMILY_PIPELINE, checks));
	json_object_set_new(result, "claimed", promise_names(FAMILY_PIPELINE, claims & checks));
	json_object_set_new(result, "claims", promise_names(FAMILY_PIPELINE, claims));
	return result;
}

json_t *batches_run(
	const struct engine *engine, const struct choice *choice, const struct stress_plan *plan, const char *programs)
{
	const char *expected, *missing = engine->missing();
	json_t *result = batches_result(engine, choice, &expected);
	if (missing) {
		result_judge(result, "skipped", expected, missing);
		return result;
	}
	if (engine->run) {
		struct choice_subject subject;
		choice_subject(choice, &subject);
		engine->run(result, engine, &subject.registered, &explored_batch_scenario, plan, programs, expected);
		return result;
	}
	char worker[4096], seed[32];
	snprintf(worker, sizeof worker, "%s/onceproof-batch%s", programs, engine->fixed_addresses ? "_tsan" : "");
	snprintf(seed, sizeof seed, "--seed=%llu", (unsigned long long)plan->seed);
	char *const words[] = {worker, (char *)choice->initialiser->about->name, (char *)choice->counter->about->name,
		(char *)choice->progress->about->name, seed, NULL};
	struct child_options child_options = {.argv = words,
		.environment = (char *const *)(uintptr_t)engine->environment,
		.timeout_s = engine->watchdog_s,
		.fixed_addresses = engine->fixed_addresses};
	struct child_result child;
	int why = child_run(&child_options, &child);
	if (why) {
		result_judge(result, "inconclusive", expected, strerror(why));
		return result;
	}
	json_t *answer = child.timed_out || child.interrupted ? NULL : json_loads(child.out, 0, NULL);
	if (answer && WIFEXITED(child.status) && (WEXITSTATUS(child.status) == 0 || WEXITSTATUS(child.status) == EXIT_SKIPPED)) {
		json_object_set_new(result, "seconds", json_real(child.seconds));
		judge(result, choice, engine, answer, expected, child.err);
	} else {
		engine_judge_end(result, child_options.timeout_s, &child, expected);
	}
	json_decref(answer);
	child_free(&child);
	return result;
}
