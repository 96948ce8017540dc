/* SPDX-License-Identifier: MIT */
/* `onceproof list`: what there is. The table is for people; --json is for scripts and has every field. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../reports/result.h"
#include "../stress/engine.h"
#include "cli.h"

struct list_options {
	struct common common;
	char **globs; /* borrowed from argv */
	size_t glob_count;
};

static error_t list_parse(int key, char *arg, struct argp_state *state)
{
	struct list_options *options = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->common;
		return 0;
	case ARGP_KEY_ARGS:
		options->globs = state->argv + state->next;
		options->glob_count = (size_t)(state->argc - state->next);
		return 0;
	default:
		(void)arg;
		return ARGP_ERR_UNKNOWN;
	}
}

/* "counter/naive"; valid until the next call. */
static const char *subject_of(const struct implementation *about)
{
	static char subject[128];
	snprintf(subject, sizeof subject, "%s/%s", family_name(about->family), about->name);
	return subject;
}

/* Calls visit for every scenario, group by group. */
static void each_scenario(void (*visit)(const struct scenario *scenario, void *arg), void *arg)
{
	for (size_t g = 0; g < scenario_group_count; g++)
		for (size_t i = 0; i < scenario_groups[g]->count; i++)
			visit(&scenario_groups[g]->list[i], arg);
}

struct match {
	const struct list_options *options;
	const struct implementation *about;
	bool found;
};

static void match_scenario(const struct scenario *scenario, void *arg)
{
	struct match *match = arg;
	if (!match->found && scenario_applies(scenario, match->about))
		match->found = filter_matches(
			match->options->globs, match->options->glob_count, subject_of(match->about), scenario->name);
}

/* An implementation is listed when a glob names it, or a scenario that applies to it. */
static bool implementation_listed(const struct list_options *options, const struct implementation *about)
{
	struct match match = {options, about, filter_matches(options->globs, options->glob_count, subject_of(about), "")};
	each_scenario(match_scenario, &match);
	return match.found;
}

/* A scenario is listed when a glob matches it on one of the implementations that it applies to. */
static bool scenario_listed(const struct list_options *options, const struct scenario *scenario)
{
	if (options->glob_count == 0)
		return true;
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct implementation *about = onceproof_registry[i].about;
		if (scenario_applies(scenario, about) &&
			filter_matches(options->globs, options->glob_count, subject_of(about), scenario->name))
			return true;
	}
	return false;
}

static json_t *features_json(uint32_t features)
{
	static const char *const names[] = {"atomic", "fence", "call_once", "inline_asm", "futex", "tls", "pthread_once"};
	json_t *list = json_array();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (features & 1u << i)
			json_array_append_new(list, json_string(names[i]));
	return list;
}

/* The words of a string that separates them by spaces; NULL gives none. */
static json_t *words(const char *text)
{
	json_t *list = json_array();
	while (text && *(text += strspn(text, " "))) {
		size_t length = strcspn(text, " ");
		json_array_append_new(list, json_stringn(text, length));
		text += length;
	}
	return list;
}

static json_t *capabilities_json(const struct registered *entry)
{
	json_t *all = json_object();
	json_object_set_new(
		all, "instances", json_string(entry->about->instances == INSTANCES_MANY ? "many" : "one_per_process"));
	if (entry->about->family == FAMILY_INITIALISER) {
		const struct initialiser_implementation *it = initialiser_of(entry);
		json_object_set_new(all, "rearmable", json_boolean(it->rearmable));
		json_object_set_new(all, "loader", json_string(it->loading == LOADER_RUN_TIME ? "run_time" : "link_time"));
	} else if (entry->about->family == FAMILY_COUNTER) {
		const struct counter_implementation *counter = counter_of(entry);
		json_object_set_new(all, "steps", json_boolean(counter->steps));
		json_object_set_new(all, "reset", json_boolean(counter->reset != NULL));
		json_object_set_new(all, "subtract", json_boolean(counter->decrement != NULL));
		json_object_set_new(all, "watch", json_boolean(counter->watch != NULL));
	} else if (entry->about->family == FAMILY_PROGRESS) {
		const struct progress_implementation *progress = progress_of(entry);
		json_object_set_new(all, "needs", json_string(progress->needs == PROGRESS_NEEDS_STEP ? "step" : "value"));
		json_object_set_new(all, "polled", json_boolean(progress->polled));
	}
	return all;
}

static json_t *implementation_json(const struct registered *entry)
{
	const struct implementation *about = entry->about;
	json_t *promises = json_object();
	size_t count;
	family_promises(about->family, &count);
	uint32_t offered = about->claims | about->missing, all = (uint32_t)((1ull << count) - 1);
	json_object_set_new(promises, "claimed", promise_names(about->family, about->claims));
	json_object_set_new(promises, "missing", promise_names(about->family, about->missing));
	json_object_set_new(promises, "not_offered", promise_names(about->family, all & ~offered));
	return json_pack("{s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:o}", "subject", subject_of(about), "number", entry->number,
		"file", entry->file, "lesson", about->lesson ? about->lesson : "", "promises", promises, "capabilities",
		capabilities_json(entry), "features", features_json(about->features), "calls", words(about->calls));
}

/* The engines that run SCENARIO, in their order. */
static json_t *engines_of(const struct scenario *scenario)
{
	json_t *list = json_array();
	for (size_t i = 0; i < engine_count; i++)
		if (engine_runs(engines[i], scenario))
			json_array_append_new(list, json_string(engines[i]->name));
	return list;
}

static json_t *scenario_json(const struct scenario *scenario)
{
	json_t *subjects = json_array(), *outcomes = json_array();
	for (size_t i = 0; i < onceproof_registry_count; i++)
		if (scenario_applies(scenario, onceproof_registry[i].about))
			json_array_append_new(subjects, json_string(subject_of(onceproof_registry[i].about)));
	for (unsigned i = 0; i < scenario->outcome_count; i++) {
		const struct outcome_rule *rule = &scenario->outcomes[i];
		json_array_append_new(
			outcomes, json_pack("{s:s, s:s, s:o, s:s}", "label", rule->label, "grade", grade_name(rule->grade),
					  "refutes", promise_names(scenario->family, rule->refutes), "why", rule->why));
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:o, s:o}", "family", family_name(scenario->family), "name",
		scenario->name, "shows", scenario->shows, "shape", scenario->script ? "script" : "actors", "actors",
		(int)scenario->actor_count, "checks", promise_names(scenario->family, scenario->checks), "outcomes", outcomes,
		"subjects", subjects, "engines", engines_of(scenario));
}

static json_t *families_json(void)
{
	json_t *families = json_array();
	for (enum family family = 0; family < FAMILY_COUNT; family++) {
		size_t count;
		const struct promise_info *list = family_promises(family, &count);
		json_t *promises = json_array();
		for (size_t i = 0; i < count; i++)
			json_array_append_new(
				promises, json_pack("{s:s, s:s}", "name", list[i].name, "meaning", list[i].meaning));
		json_array_append_new(families, json_pack("{s:s, s:o}", "name", family_name(family), "promises", promises));
	}
	return families;
}

struct collection {
	const struct list_options *options;
	json_t *scenarios;
};

static void collect_scenario(const struct scenario *scenario, void *arg)
{
	struct collection *collection = arg;
	if (scenario_listed(collection->options, scenario))
		json_array_append_new(collection->scenarios, scenario_json(scenario));
}

static json_t *list_json(const struct list_options *options)
{
	json_t *implementations = json_array(), *scenarios = json_array();
	for (size_t i = 0; i < onceproof_registry_count; i++)
		if (implementation_listed(options, onceproof_registry[i].about))
			json_array_append_new(implementations, implementation_json(&onceproof_registry[i]));
	each_scenario(collect_scenario, &(struct collection){options, scenarios});
	/* A report like any other, so that `merge` and the renderers can read it. */
	json_t *list = report_new(options->common.seed);
	json_object_set_new(list, "families", families_json());
	json_object_set_new(list, "implementations", implementations);
	json_object_set_new(list, "scenarios", scenarios);
	return list;
}

/* The string under KEY, or "". */
static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value ? value : "";
}

static bool array_has(const json_t *array, const char *word)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (strcmp(json_string_value(json_array_get(array, i)), word) == 0)
			return true;
	return false;
}

/* One column per promise: + claimed, - missing, . not offered. */
static void print_claims(const json_t *implementation, const json_t *promises, bool color)
{
	const json_t *by_claim = json_object_get(implementation, "promises");
	for (size_t i = 0; i < json_array_size(promises); i++) {
		const char *name = text(json_array_get(promises, i), "name");
		if (array_has(json_object_get(by_claim, "claimed"), name))
			fputs(color ? " \033[32m+\033[0m" : " +", stdout);
		else if (array_has(json_object_get(by_claim, "missing"), name))
			fputs(color ? " \033[31m-\033[0m" : " -", stdout);
		else
			fputs(" .", stdout);
	}
}

/* The capabilities in one line: "instances=many steps watch". */
static void print_capabilities(const json_t *implementation)
{
	const char *key;
	json_t *value;
	printf("     %s\n     ", text(implementation, "file"));
	json_object_foreach(json_object_get(implementation, "capabilities"), key, value) {
		if (json_is_string(value))
			printf("%s=%s ", key, json_string_value(value));
		else if (json_is_true(value))
			printf("%s ", key);
	}
	putchar('\n');
}

/* A family's heading and the meanings of its columns; false when nothing of it is listed. */
static void print_family(const json_t *list, const json_t *family, bool color, bool verbose)
{
	const char *name = text(family, "name");
	const json_t *promises = json_object_get(family, "promises"), *implementations = json_object_get(list, "implementations");
	const json_t *scenarios = json_object_get(list, "scenarios");
	const char *const bold = color ? "\033[1m" : "", *const plain = color ? "\033[0m" : "";
	size_t length = strlen(name);
	printf("%s%s%s promises\n", bold, name, plain);
	for (size_t i = 0; i < json_array_size(promises); i++)
		printf("  %c  %-24s %s\n", (int)('a' + i), text(json_array_get(promises, i), "name"),
			text(json_array_get(promises, i), "meaning"));
	bool headed = false;
	for (size_t i = 0; i < json_array_size(implementations); i++) {
		const json_t *entry = json_array_get(implementations, i);
		const char *subject = text(entry, "subject");
		if (strncmp(subject, name, length) != 0 || subject[length] != '/')
			continue;
		if (!headed) {
			printf("\n%s%s%s implementations in reading order, with the promises that each one keeps\n  nr %-34s",
				bold, name, plain, "name");
			for (size_t p = 0; p < json_array_size(promises); p++)
				printf(" %c", (int)('a' + p));
			puts("  lesson");
			headed = true;
		}
		printf("  %02d %-34s", (int)json_integer_value(json_object_get(entry, "number")), subject);
		print_claims(entry, promises, color);
		printf("  %s\n", text(entry, "lesson"));
		if (verbose)
			print_capabilities(entry);
	}
	headed = false;
	for (size_t i = 0; i < json_array_size(scenarios); i++) {
		const json_t *scenario = json_array_get(scenarios, i);
		if (strcmp(text(scenario, "family"), name) != 0)
			continue;
		if (!headed)
			printf("\n%s%s%s scenarios\n", bold, name, plain);
		headed = true;
		printf("     %-34s %s\n", text(scenario, "name"), text(scenario, "shows"));
	}
	putchar('\n');
}

/* Does the list hold anything of the family NAME? */
static bool family_present(const json_t *list, const char *name)
{
	const json_t *implementations = json_object_get(list, "implementations");
	size_t length = strlen(name);
	for (size_t i = 0; i < json_array_size(implementations); i++) {
		const char *subject = text(json_array_get(implementations, i), "subject");
		if (strncmp(subject, name, length) == 0 && subject[length] == '/')
			return true;
	}
	return false;
}

static int list_run(int argc, char **argv)
{
	struct list_options options = {.common = common_defaults()};
	static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {NULL, list_parse, "[FILTER...]",
		"Lists families, implementations, promises and scenarios. FILTER is a glob on family/implementation[/scenario].\v"
		"In the table: + a promise that the implementation claims, - one that it may break, . one that it does not "
		"offer.\n"
		"-v adds each implementation's file and capabilities; --json has every field.",
		children, NULL, NULL};
	int error = command_parse(&argp, argc, argv, &options);
	if (error)
		return EXIT_USAGE;
	if (options.common.junit || options.common.sarif || options.common.shards > 1) {
		complain("list: --junit, --sarif and --shard have no meaning here: it runs nothing");
		return EXIT_USAGE;
	}
	json_t *list = list_json(&options);
	if (json_array_size(json_object_get(list, "implementations")) == 0) {
		complain("list: no implementation or scenario matches '%s': 'onceproof list' shows all", options.globs[0]);
		json_decref(list);
		return EXIT_USAGE;
	}
	int status = EXIT_HOLDS;
	if (options.common.json && report_write(list, options.common.json) != 0)
		status = EXIT_USAGE; /* report_write() has said why */
	if (status == EXIT_HOLDS && (!options.common.json || strcmp(options.common.json, "-") != 0)) {
		const json_t *families = json_object_get(list, "families");
		for (size_t i = 0; i < json_array_size(families); i++) {
			const json_t *family = json_array_get(families, i);
			if (options.glob_count == 0 || family_present(list, text(family, "name")))
				print_family(
					list, family, use_color(&options.common, STDOUT_FILENO), options.common.verbosity > 0);
		}
	}
	if (status == EXIT_HOLDS && (fflush(stdout) != 0 || ferror(stdout))) {
		complain("list: cannot write to stdout: %s", strerror(errno));
		status = EXIT_USAGE;
	}
	json_decref(list);
	return status;
}

const struct command command_list = {"list", "families, implementations, promises and scenarios", list_run};
