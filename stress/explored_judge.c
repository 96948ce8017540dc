/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/support/digest.h"
#include "../reports/explored_verdict.h"
#include "../reports/node.h"
#include "../reports/result.h"
#include "build_identity.h"
#include "explored.h"
#include "witness.h"

void explored_title(const struct explored *what, char *title, size_t bytes)
{
	if (what->subject && what->scenario)
		snprintf(title, bytes, "%s/%s %s", family_name(what->subject->about->family), what->subject->about->name,
			what->scenario->name);
	else
		snprintf(title, bytes, "%s%s%s", what->file ? what->file : "program", what->part ? " " : "",
			what->part ? what->part : "");
}

/* `build`: what was explored; `seed`; and `search`: all that a search's result depends on. Only shards of one search make a whole. */
static void identify(json_t *result, const struct explored *what, const json_t *answer)
{
	static const char *const parts[] = {"model", "strategy", "options", "budget", "first_only", "seed"};
	char build[BUILD_IDENTITY_BYTES], search[DIGEST_TEXT_BYTES];
	if (what->program)
		build_identity_of_program(what->module, what->program, build);
	else
		build_identity(what->module, build);
	if (!*build)
		return;
	struct digest d;
	digest_begin(&d);
	digest_add_text(&d, ONCEPROOF_VERSION);
	digest_add_text(&d, build);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		char *text = json_dumps(node_get(answer, parts[i]), JSON_COMPACT | JSON_ENCODE_ANY);
		digest_add_text(&d, text);
		free(text);
	}
	digest_add(&d, &what->shards, sizeof what->shards);
	digest_end(&d, search);
	search[BUILD_IDENTITY_BYTES - 1] = '\0';
	node_set(result, "build", node_text(build));
	node_set(result, "search", node_text(search));
	if (node_get(answer, "seed"))
		node_set(result, "seed", json_incref(node_get(answer, "seed")));
}

static long long number(const json_t *answer, const char *key)
{
	return (long long)json_integer_value(node_get(answer, key));
}

/* The bit of the family's promise NAME; 0: it has none of that name. */
static uint32_t promise_bit(enum family family, const char *name)
{
	size_t count;
	const struct promise_info *promises = family_promises(family, &count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(promises[i].name, name) == 0)
			return 1u << i;
	return 0;
}

static bool one_of(const char *kind, const char *const *kinds)
{
	while (*kinds && strcmp(*kinds, kind) != 0)
		kinds++;
	return *kinds != NULL;
}

/* What FOUND refutes; see explored_judge. */
static uint32_t refuted(const struct explored *what, const json_t *found)
{
	static const char *const waits[] = {"deadlock", "livelock", "lost-wakeup", "misuse", NULL};
	static const char *const aftermath[] = {"crash", "use-after-free", "double-free", NULL};
	const char *kind = node_string(found, "kind");
	if (!what->subject || !what->scenario)
		return 0;
	enum family family = what->scenario->family;
	uint32_t offered = what->subject->about->claims | what->subject->about->missing;
	long long outcome = number(found, "outcome");
	uint32_t race_free = promise_bit(family, "race_free"), bits = 0;
	if (strcmp(kind, "forbidden-outcome") == 0 && outcome >= 0 && outcome < what->scenario->outcome_count)
		bits = what->scenario->outcomes[outcome].refutes;
	else if (strcmp(kind, "data-race") == 0)
		return race_free;
	else if (strcmp(kind, "leak") == 0)
		bits = promise_bit(family, "no_leak");
	else if (one_of(kind, waits))
		bits = what->scenario->blocked_refutes;
	else if (one_of(kind, aftermath) && json_is_true(node_get(found, "after_race")))
		bits = race_free;
	return bits & offered;
}

/* "T2 reads 8 bytes in model_whole (stress/model.h:38), T1 writes it in … (…), and nothing orders the two". */
static json_t *race_words(const struct explored *what, const json_t *found)
{
	char text[1024] = "";
	size_t i;
	const json_t *it;
	json_array_foreach(node_get(found, "places"), i, it) {
		struct source_place place, via;
		if (!explored_place(what, node_get(it, "frames"), &place, &via))
			return NULL;
		snprintf(text + strlen(text), sizeof text - strlen(text), "%sT%lld %s in %s (%s:%d)", i ? ", " : "",
			number(it, "thread"), node_string(it, "role"), place.function, place.file, place.line);
	}
	return *text ? node_must(json_sprintf("%s, and nothing orders the two", text)) : NULL;
}

/* "T1 waits for …, T2 waits for …: nobody can move". */
static json_t *waiting_words(const struct explored *what, const json_t *found, struct explored_names *names)
{
	char text[1024] = "";
	size_t i;
	const json_t *it;
	json_array_foreach(node_get(found, "places"), i, it) {
		if (explored_only_joins(what, it))
			continue;
		json_t *role = explored_words(names, node_string(it, "role"));
		snprintf(text + strlen(text), sizeof text - strlen(text), "%sT%lld %s", *text ? ", " : "", number(it, "thread"),
			json_string_value(role));
		json_decref(role);
	}
	return *text ? node_must(json_sprintf("%s: nobody can move", text)) : NULL;
}

static json_t *message(const struct explored *what, const json_t *found, struct explored_names *names)
{
	const char *kind = node_string(found, "kind");
	long long outcome = number(found, "outcome");
	json_t *text = NULL;
	if (what->scenario && strcmp(kind, "forbidden-outcome") == 0 && outcome >= 0 && outcome < what->scenario->outcome_count) {
		const struct outcome_rule *rule = &what->scenario->outcomes[outcome];
		text = node_must(json_sprintf("outcome '%s': %s", rule->label, rule->why));
	} else if (strcmp(kind, "data-race") == 0) {
		text = race_words(what, found);
	} else if (strcmp(kind, "deadlock") == 0) {
		text = waiting_words(what, found, names);
	}
	if (!text)
		text = explored_words(names, node_string(found, "message"));
	json_t *whole = node_must(json_sprintf(
		"%s%s", json_string_value(text), json_is_true(node_get(found, "after_race")) ? " (after a data race)" : ""));
	json_decref(text);
	return whole;
}

static void add_places(const struct explored *what, json_t *finding, const json_t *found, struct explored_names *names)
{
	size_t i;
	const json_t *it;
	json_array_foreach(node_get(found, "places"), i, it) {
		struct source_place place, via;
		char thread[32];
		if (explored_only_joins(what, it) || !explored_place(what, node_get(it, "frames"), &place, &via))
			continue;
		snprintf(thread, sizeof thread, "T%lld", number(it, "thread"));
		json_t *role = explored_words(names, node_string(it, "role"));
		finding_add_location(finding, place.file, place.line, place.function, thread, json_string_value(role));
		json_decref(role);
		if (via.line > 0)
			finding_add_location(finding, via.file, via.line, via.function, thread, "called from here");
	}
}

/* What makes two findings the same one for people: the kind and the lines, whichever thread was where; without lines, the message. */
static json_t *finding_key(const json_t *finding)
{
	json_t *key = node_must(json_object());
	size_t i;
	const json_t *place;
	node_set(key, "kind", node_text(node_string(finding, "kind")));
	json_array_foreach(node_get(finding, "locations"), i, place) {
		json_t *line = node_must(json_sprintf("%s:%lld", node_string(place, "file"), number(place, "line")));
		node_set(key, json_string_value(line), json_true());
		json_decref(line);
	}
	if (i == 0)
		node_set(key, "message", node_text(node_string(finding, "message")));
	return key;
}

/* The finding of RESULT before AT that is the same as FINDING, or NULL. */
static json_t *same_finding(const json_t *result, const json_t *finding, size_t at)
{
	json_t *key = finding_key(finding), *same = NULL;
	for (size_t i = 0; i < at && !same; i++) {
		json_t *other = json_array_get(node_get(result, "findings"), i), *its = finding_key(other);
		same = json_equal(key, its) ? other : NULL;
		json_decref(its);
	}
	json_decref(key);
	return same;
}

static void add_finding(json_t *result, const struct explored *what, const json_t *answer, const json_t *found)
{
	struct explored_names *names = explored_names_new(what);
	json_int_t hidden;
	bool waits = explored_waits(node_string(found, "kind"));
	/* The table names addresses in the order in which they appear there; the words use its names. */
	json_t *told = explored_told(node_get(found, "steps"), found);
	json_t *rows = explored_interleaving(what, waits ? TABLE_WAITING : TABLE_MEMORY, told, names, &hidden);
	json_decref(told);
	if (waits)
		explored_add_waiting(what, rows, node_get(found, "places"), names);
	json_t *text = message(what, found, names), *all = node_get(result, "findings");
	enum family family = what->scenario ? what->scenario->family : FAMILY_PIPELINE;
	json_t *finding =
		result_add_finding(result, node_string(found, "kind"), json_string_value(text), family, refuted(what, found));
	json_decref(text);
	add_places(what, finding, found, names);
	free(names);
	node_set(finding, "interleaving", rows);
	node_set(finding, "hidden_steps", json_integer(hidden));
	json_t *same = same_finding(result, finding, json_array_size(all) - 1);
	if (same) {
		/* Seen in the same executions for the most part: the sum would count them twice. */
		if (number(found, "executions") > number(same, "executions"))
			node_set(same, "executions", json_integer(number(found, "executions")));
		json_array_remove(all, json_array_size(all) - 1);
		return;
	}
	static const char *const copied[] = {"executions", "first", "stale", "preemptions", "after_race"};
	for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
		if (node_get(found, copied[i]))
			node_set(finding, copied[i], json_incref(node_get(found, copied[i])));
	if (what->witness_folder)
		witness_write(what, answer, found, finding);
}

/* Outcomes only: what is forbidden among them is a finding of its own already. Those of a program have names where it is a scenario file. */
static void add_outcomes(json_t *result, const struct explored *what, const json_t *answer)
{
	size_t named;
	const json_t *name;
	json_array_foreach(node_get(answer, "labels"), named, name)
		result_add_outcome(result, json_string_value(name), "acceptable",
			(uint64_t)json_integer_value(json_array_get(node_get(answer, "outcomes"), named)), "", FAMILY_PIPELINE,
			0);
	for (unsigned i = 0; what->scenario && i < what->scenario->outcome_count; i++) {
		const struct outcome_rule *rule = &what->scenario->outcomes[i];
		const struct implementation *about = what->subject->about;
		json_int_t count = json_integer_value(json_array_get(node_get(answer, "outcomes"), i));
		result_add_outcome(result, rule->label, grade_name(outcome_grade(rule, about)), (uint64_t)count, rule->why,
			what->scenario->family, rule->refutes & (about->claims | about->missing));
	}
}

enum { CUT_SHARE = 4 };

/* Why ANSWER decides nothing although nothing was found; "" if it decides. */
static void doubts(const json_t *answer, char *text, size_t bytes)
{
	long long cut = number(answer, "cut"), diverged = number(answer, "diverged"), executions = number(answer, "executions");
	*text = '\0';
	if (*node_string(answer, "caveat"))
		snprintf(text, bytes, "%s; ", node_string(answer, "caveat"));
	if (json_is_true(node_get(answer, "out_of_time")))
		snprintf(text + strlen(text), bytes - strlen(text), "the time limit stopped it after %lld executions; ",
			executions);
	/* Sampling leaves out most executions anyway; a few that were not followed to their ends are no other matter. */
	if (cut && cut * CUT_SHARE > executions)
		snprintf(text + strlen(text), bytes - strlen(text), "%lld execution%s longer than the bound on steps; ", cut,
			cut == 1 ? " was" : "s were");
	if (diverged)
		snprintf(text + strlen(text), bytes - strlen(text),
			"%lld execution%s another way than before: the program is not deterministic; ", diverged,
			diverged == 1 ? " went" : "s went");
	if (*text)
		text[strlen(text) - 2] = '\0';
}

void explored_judge(json_t *result, const struct explored *what, const json_t *answer, const char *expected)
{
	static const char *const copied[] = {"executions", "blocked", "cut", "seconds", "peak_bytes", "distinct", "model",
		"strategy", "plan", "bound", "exhausted", "probability", "isolated"};
	const char *skip = json_string_value(node_get(answer, "skip"));
	char limits[1024];
	for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
		if (node_get(answer, copied[i]))
			node_set(result, copied[i], json_incref(node_get(answer, copied[i])));
	identify(result, what, answer);
	doubts(answer, limits, sizeof limits);
	node_set(result, "limits", node_text(limits));
	if (what->shards > 1)
		node_set(result, "shard", node_must(json_sprintf("%u/%u", what->shard, what->shards)));
	if (skip) {
		result_judge(result, "skipped", expected, skip);
		return;
	}
	add_outcomes(result, what, answer);
	size_t i;
	const json_t *found;
	/* A handler that is never called is one who could have ended the wait. */
	bool handlers = strstr(node_string(answer, "caveat"), "handlers are never called") != NULL;
	json_array_foreach(node_get(answer, "findings"), i, found)
		if (!handlers || !explored_waits(node_string(found, "kind")))
			add_finding(result, what, answer, found);
	explored_verdict(result, expected);
}
