/* SPDX-License-Identifier: MIT */
/* An implementation of a family: all scenarios of the family that say something about it, by the suite's own machinery. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../../reports/result.h"
#include "../child.h"
#include "../contracts.h"
#include "../engine.h"
#include "../implementation_build.h"
#include "engines.h"

/* Shares of the usual plans of ThreadSanitizer and native runs: all scenarios of a family within a commit's patience. */
static const double tsan_effort = 0.1, native_effort = 0.05;

struct implementation_check {
	const struct check_subject *subject;
	const struct check_plan *plan;
	json_t *results, *recipe;
	json_t *whole; /* the results, nothing excused */
	struct implementation_file file;
	uint32_t claims; /* what is judged */
	double until;
};

/* Promises ------------------------------------------------------------------------------------------------------------------------------ */

static uint32_t bit_of(enum family family, const char *name, size_t length)
{
	size_t count;
	const struct promise_info *promises = family_promises(family, &count);
	for (size_t i = 0; i < count; i++)
		if (strlen(promises[i].name) == length && strncmp(promises[i].name, name, length) == 0)
			return 1u << i;
	return 0;
}

/* What the user asks for is judged, whether the file claims it or not; what else it claims is as if it were missing. */
static int choose_promises(struct implementation_check *c)
{
	struct implementation *about = &c->file.described.how.about;
	uint32_t asked = 0, offered = about->claims | about->missing;
	for (const char *at = c->plan->promises; at && *at; at += strcspn(at, ","), at += *at == ',') {
		size_t length = strcspn(at, ",");
		uint32_t bit = bit_of(about->family, at, length);
		asked |= bit;
		if (bit & offered)
			continue;
		complain("--promise: %s: '%.*s' is %s", c->subject->name, (int)length, at,
			bit ? "neither among its claims nor among what it misses, so nothing is known to test it by"
			    : "no promise of its family; `onceproof list` names them");
		return EXIT_USAGE;
	}
	if (c->plan->promises) {
		about->claims = asked;
		about->missing = offered & ~asked;
	}
	c->claims = about->claims;
	if (c->claims)
		return 0;
	complain("%s: it claims no promise (.about.claims), so there is nothing to judge; --promise asks for some",
		c->subject->name);
	return EXIT_USAGE;
}

/* Results ------------------------------------------------------------------------------------------------------------------------------- */

/* Does FINDING refute only what is not claimed? */
static bool is_declared(const struct implementation_check *c, const json_t *finding)
{
	size_t i;
	const json_t *name;
	enum family family = c->file.family;
	json_array_foreach(node_get(finding, "refutes"), i, name)
		if (bit_of(family, json_string_value(name), strlen(json_string_value(name))) & c->claims)
			return false;
	/* What refutes nothing by name, a crash for one, is nothing that could be declared. */
	return i > 0;
}

/* A promise that the file itself declares missing may break: that is said, and accuses nobody. */
static void excuse(const struct implementation_check *c, json_t *result)
{
	json_t *findings = json_object_get(result, "findings"), *excused = node_must(json_array());
	char text[256];
	for (size_t i = 0; i < json_array_size(findings);) {
		json_t *finding = json_array_get(findings, i);
		if (!is_declared(c, finding)) {
			i++;
			continue;
		}
		snprintf(text, sizeof text, "%s is broken, which the file does not claim",
			json_string_value(json_array_get(node_get(finding, "refutes"), 0)));
		check_note(result, text);
		/* Nobody will want to see again what was no news. */
		if (*node_string(finding, "witness"))
			unlink(node_string(finding, "witness"));
		json_object_del(finding, "replay");
		json_object_del(finding, "witness");
		node_append(excused, json_incref(finding));
		json_array_remove(findings, i);
	}
	if (json_array_size(excused) && !json_array_size(findings))
		result_judge(result, "not-found", "clean", "only what the file does not claim was seen to break");
	else if (json_array_size(findings))
		result_judge(result, "bug", "clean", node_string(result, "evidence"));
	node_set(result, "declared", excused);
}

static bool is_proved(const struct implementation_check *c, const char *scenario)
{
	size_t i;
	const json_t *it;
	json_array_foreach(c->results, i, it)
		if (strcmp(node_string(it, "scenario"), scenario) == 0 && strcmp(node_string(it, "verdict"), "proved") == 0)
			return true;
	return false;
}

static bool found_bug(const struct implementation_check *c)
{
	size_t i;
	const json_t *it;
	json_array_foreach(c->results, i, it)
		if (strcmp(node_string(it, "verdict"), "bug") == 0)
			return true;
	return false;
}

/* Running ------------------------------------------------------------------------------------------------------------------------------- */

static void run_one(struct implementation_check *c, const struct engine *engine, const struct scenario *scenario, double effort,
	double limit_s)
{
	const struct check_plan *p = c->plan;
	const struct stress_plan plan = {.seed = p->seed,
		.effort = effort,
		.time_limit_s = limit_s > 0.2 ? limit_s : 0.2,
		.explore = {.model = p->model,
			.strategy = p->strategy,
			.executions = p->executions,
			.shard = p->shard,
			.shards = p->shards,
			.jobs = p->jobs,
			.checkpoint = p->checkpoint,
			.witness_folder = p->witness_folder,
			.program = c->recipe}};
	if (p->began)
		p->began(p->arg, c->subject->name, scenario->name, engine->name);
	double before = check_clock();
	json_t *result = engine_run(engine, &c->file.described.entry, scenario, &plan, c->file.folder.path);
	node_set(result, "subject", node_text(c->subject->name));
	node_set(result, "compiler", node_text(c->file.built[IMPLEMENTATION_NATIVE].compiler));
	node_set(result, "seconds", json_real(check_clock() - before));
	node_append(c->whole, node_must(json_deep_copy(result)));
	excuse(c, result);
	if (!child_interrupted) {
		if (p->ended)
			p->ended(p->arg, result);
		node_append(c->results, json_incref(result));
	}
	json_decref(result);
}

/* Calls RUN for each scenario that ENGINE can run; those that are proved already only where AGAIN. How many there are. */
static size_t each(struct implementation_check *c, const struct engine *engine, bool again, double effort, double share)
{
	size_t count = 0, done = 0;
	double before = check_clock(), all = (c->until - before) * share;
	for (int counting = 1; counting >= 0; counting--)
		for (size_t g = 0; g < scenario_group_count && !child_interrupted; g++)
			for (size_t i = 0; i < scenario_groups[g]->count; i++) {
				const struct scenario *scenario = &scenario_groups[g]->list[i];
				if (!scenario_applies(scenario, c->file.described.entry.about) ||
					!engine_runs(engine, scenario) || (!again && is_proved(c, scenario->name)))
					continue;
				if (counting) {
					count++;
					continue;
				}
				/* What the others leave is for the next one, up to a half of what there is. */
				double left = all - (check_clock() - before), fair = left / (double)(count - done++);
				run_one(c, engine, scenario, effort, fair > left / 2 ? fair : left / 2);
			}
	return count;
}

/* The engines in order of cost; each only where the answer is not final. */
static int run_all(struct implementation_check *c)
{
	uint32_t wanted = c->plan->engines;
	int status = 0;
	if (wanted & CHECK_EXPLORE && !engine_find("explore")->missing()) {
		status = implementation_part(&c->file, IMPLEMENTATION_EXPLORE);
		if (!status)
			each(c, engine_find("explore"), true, 1, 0.7);
	}
	/* One forced order each: what the explorer has no threads for. */
	if (!status && wanted & CHECK_NATIVE)
		each(c, engine_find("sequential"), true, 1, 0.5);
	if (!status && wanted & CHECK_TSAN && !found_bug(c) && !engine_find("tsan")->missing()) {
		status = implementation_part(&c->file, IMPLEMENTATION_TSAN);
		if (!status)
			each(c, engine_find("tsan"), false, tsan_effort, 0.7);
	}
	if (!status && wanted & CHECK_NATIVE && !found_bug(c))
		each(c, engine_find("native"), false, native_effort, 1);
	if (!status && wanted & CHECK_HELGRIND)
		each(c, engine_find("helgrind"), true, 1, 0.5);
	if (!status && wanted & CHECK_DRD)
		each(c, engine_find("drd"), true, 1, 1);
	return status;
}

static json_t *word_list(char *const *words, size_t count)
{
	json_t *list = node_must(json_array());
	for (size_t i = 0; i < count; i++)
		node_append(list, node_text(words[i]));
	return list;
}

/* What a witness needs to be run again: see cli/command_replay.c. */
static json_t *recipe_of(const struct check_subject *subject, enum family family)
{
	const struct program_source *source = &subject->source;
	json_t *recipe = node_must(json_object());
	node_set(recipe, "implementation", node_text(family_name(family)));
	node_set(recipe, "files", word_list(source->files, source->file_count));
	node_set(recipe, "flags", word_list(source->flags, source->flag_count));
	node_set(recipe, "compiler", node_text(source->compiler));
	node_set(recipe, "optimise", node_text(source->optimise));
	return recipe;
}

/* What became of each promise, as the stress suite tells it: with the last result, from where it goes into the report. */
static void add_contracts(struct implementation_check *c)
{
	json_t *all = contracts_from(c->whole), *own = node_must(json_array());
	size_t i, count = json_array_size(c->results);
	const json_t *contract;
	json_array_foreach(all, i, contract)
		if (strcmp(node_string(contract, "subject"), c->subject->name) == 0)
			node_append(own, node_must(json_deep_copy(contract)));
	json_decref(all);
	if (count)
		node_set(json_array_get(c->results, count - 1), "contracts", own);
	else
		json_decref(own);
}

int check_implementation(const struct check_subject *subject, const struct check_plan *plan, json_t *results)
{
	struct implementation_check c = {
		.subject = subject, .plan = plan, .results = results, .until = check_clock() + plan->budget_s};
	bool folder_is_new = plan->witness_folder && access(plan->witness_folder, F_OK) != 0;
	int status = implementation_open(&subject->source, &c.file);
	if (status)
		return status;
	c.whole = node_must(json_array());
	c.recipe = recipe_of(subject, c.file.family);
	status = choose_promises(&c);
	if (!status)
		status = run_all(&c);
	if (!status)
		add_contracts(&c);
	/* Where all that was written there was excused. */
	if (folder_is_new)
		rmdir(plan->witness_folder);
	json_decref(c.whole);
	json_decref(c.recipe);
	implementation_close(&c.file);
	return status;
}
