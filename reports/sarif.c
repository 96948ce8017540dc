/* SPDX-License-Identifier: MIT */
/* SARIF 2.1.0 (OASIS, 2020): what code scanning reads. The names of properties are the standard's. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "advice.h"
#include "fingerprint.h"
#include "found.h"
#include "interleaving.h"
#include "node.h"
#include "render.h"
#include "source.h"

enum { RESULTS_MAX = 5000, CONTEXT_LINES = 3 };

static json_t *object(void)
{
	return node_must(json_object());
}

static json_t *list(void)
{
	return node_must(json_array());
}

/* A `message` or `multiformatMessageString`. */
static json_t *message(const char *text)
{
	json_t *node = object();
	node_set(node, "text", node_text(text));
	return node;
}

static json_t *message_both(const char *text, const char *markdown)
{
	json_t *node = message(text);
	node_set(node, "markdown", node_text(markdown));
	return node;
}

/* ---- rules */

static json_t *rule_help(const struct advice *about)
{
	json_t *plain = node_must(json_sprintf(
		"%s\n\nWhat to change: %s%s%s", about->meaning, about->change, *about->example ? "\n\n" : "", about->example));
	json_t *markdown = node_must(json_sprintf("%s\n\n**What to change.** %s%s%s%s", about->meaning, about->change,
		*about->example ? "\n\n```c\n" : "", about->example, *about->example ? "```\n" : ""));
	json_t *help = message_both(json_string_value(plain), json_string_value(markdown));
	json_decref(plain);
	json_decref(markdown);
	return help;
}

static json_t *rule(const struct advice *about)
{
	json_t *rule = object(), *configuration = object(), *properties = object(), *tags = list();
	node_set(rule, "id", node_text(about->kind));
	node_set(rule, "name", node_text(about->name));
	node_set(rule, "shortDescription", node_must(json_pack("{s:o}", "text", json_sprintf("%s.", about->title))));
	node_set(rule, "fullDescription", message(about->meaning));
	node_set(rule, "help", rule_help(about));
	node_set(configuration, "level", node_text(about->level));
	node_set(rule, "defaultConfiguration", configuration);
	node_append(tags, node_text("concurrency"));
	node_append(tags, node_text("correctness"));
	if (*about->cwe)
		node_append(tags, node_must(json_sprintf("external/cwe/cwe-%s", about->cwe)));
	node_set(properties, "tags", tags);
	node_set(properties, "precision", node_text("very-high"));
	node_set(properties, "problem.severity", node_text(about->level));
	node_set(rule, "properties", properties);
	return rule;
}

/* All kinds, so that indices stay; and the one for kinds of a newer version only where it is needed. */
static json_t *rules(const json_t *found)
{
	json_t *rules = list();
	const json_t *entry;
	size_t i;
	bool other = false;
	for (i = 0; i < advice_count; i++)
		node_append(rules, rule(&advices[i]));
	json_array_foreach(found, i, entry)
		other |= advice_index(node_string(node_get(entry, "finding"), "kind")) == advice_count;
	if (other)
		node_append(rules, rule(advice_for("")));
	return rules;
}

/* What notifications are about. */
static json_t *notification_kinds(void)
{
	static const char *const kinds[][3] = {
		{"inconclusive", "EngineCouldNotDecide", "An engine could not decide; the message says why."},
		{"partial", "RunEndedEarly", "The run ended before everything was checked."},
		{"left-out", "FindingsLeftOut", "There are more findings than this file holds."},
	};
	json_t *all = list();
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		json_t *kind = node_append(all, object());
		node_set(kind, "id", node_text(kinds[i][0]));
		node_set(kind, "name", node_text(kinds[i][1]));
		node_set(kind, "shortDescription", message(kinds[i][2]));
		node_set(kind, "fullDescription", message(kinds[i][2]));
		node_set(kind, "help", message(kinds[i][2]));
	}
	return all;
}

/* ---- places */

/* FILE as a URI reference (RFC 3986): what is neither unreserved nor a slash is percent-encoded; a colon, too, so that the first part is
 * no scheme. */
static json_t *uri(const char *prefix, const char *file)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	if (!out)
		node_must(NULL);
	fputs(prefix, out);
	for (const unsigned char *at = (const unsigned char *)file; *at; at++) {
		if (strchr("/-._~", *at) || (*at >= '0' && *at <= '9') || (*at >= 'A' && *at <= 'Z') ||
			(*at >= 'a' && *at <= 'z'))
			fputc(*at, out);
		else
			fprintf(out, "%%%02X", *at);
	}
	if (fclose(out) != 0)
		node_must(NULL);
	json_t *node = node_text(text);
	free(text);
	return node;
}

static json_t *artifact(const char *file)
{
	json_t *artifact = object();
	char *name = found_file(file);
	bool absolute = *name == '/';
	node_set(artifact, "uri", uri(absolute ? "file://" : "", name));
	if (!absolute)
		node_set(artifact, "uriBaseId", node_text("SRCROOT"));
	free(name);
	return artifact;
}

static json_t *region(const json_t *place)
{
	json_t *region = object();
	node_set(region, "startLine", json_integer((json_int_t)node_number(place, "line", 1)));
	if (*node_string(place, "source"))
		node_set(region, "snippet", message(node_string(place, "source")));
	return region;
}

/* The lines around PLACE, as far as the report brings them; NULL where it brings no more than the line itself. */
static json_t *context(const json_t *finding, const json_t *place)
{
	int line = (int)node_number(place, "line", 0), first = 0, last = 0;
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	if (!out)
		node_must(NULL);
	for (int at = line - CONTEXT_LINES; at <= line + CONTEXT_LINES; at++) {
		char *source = at > 0 ? finding_source_line(finding, node_string(place, "file"), at) : NULL;
		if (source)
			fprintf(out, "%s\n", source);
		first = source && !first ? at : first;
		last = source ? at : last;
		free(source);
	}
	if (fclose(out) != 0)
		node_must(NULL);
	json_t *region = NULL;
	if (last > first && first <= line && last >= line) {
		region = object();
		node_set(region, "startLine", json_integer(first));
		node_set(region, "endLine", json_integer(last));
		node_set(region, "snippet", message(text));
	}
	free(text);
	return region;
}

/* A `location` of PLACE (of a finding or of a step), with TEXT as its message unless that is "". */
static json_t *location(const json_t *finding, const json_t *place, const char *text, bool with_context)
{
	json_t *location = object();
	const char *file = node_string(place, "file"), *function = node_string(place, "function");
	if (*file) {
		json_t *physical = object(), *around = NULL;
		node_set(physical, "artifactLocation", artifact(file));
		if (node_number(place, "line", 0) >= 1) {
			node_set(physical, "region", region(place));
			around = with_context ? context(finding, place) : NULL;
		}
		if (around)
			node_set(physical, "contextRegion", around);
		node_set(location, "physicalLocation", physical);
	}
	if (*function) {
		json_t *logical = object(), *all = list();
		node_set(logical, "name", node_text(function));
		node_set(logical, "kind", node_text("function"));
		node_append(all, logical);
		node_set(location, "logicalLocations", all);
	}
	if (*text)
		node_set(location, "message", message(text));
	return location;
}

/* "T1 writes 4 bytes": what a place is to the finding. */
static json_t *place_words(const json_t *place)
{
	const char *thread = node_string(place, "thread"), *access = node_string(place, "access");
	return node_must(json_sprintf("%s%s%s", thread, *thread && *access ? " " : "", access));
}

static void set_places(json_t *result, const json_t *entry)
{
	json_t *first = list(), *others = list(), *places = found_places(entry);
	const json_t *finding = node_get(entry, "finding"), *place;
	size_t i;
	json_array_foreach(places, i, place) {
		json_t *words = place_words(place), *at = location(finding, place, json_string_value(words), true);
		if (i > 0)
			node_set(at, "id", json_integer((json_int_t)i));
		node_append(i == 0 ? first : others, at);
		json_decref(words);
	}
	node_set(result, "locations", first);
	if (json_array_size(others))
		node_set(result, "relatedLocations", others);
	else
		json_decref(others);
	json_decref(places);
}

/* ---- interleaving */

/* What STEP read or wrote, as `state`: names of objects and their values. */
static json_t *state(const json_t *step)
{
	const char *where = node_string(step, "where"), *written = node_string(step, "written"),
		   *value = *written ? written : node_string(step, "read");
	if (!*where || !*value)
		return NULL;
	json_t *state = object();
	node_set(state, where, message(value));
	return state;
}

static const char *importance(const json_t *finding, const json_t *step)
{
	size_t i;
	const json_t *place;
	bool named = json_is_true(node_get(step, "stale")) || json_is_true(node_get(step, "blocked"));
	json_array_foreach(node_get(finding, "locations"), i, place)
		named |= strcmp(node_string(place, "file"), node_string(step, "file")) == 0 &&
			 node_number(place, "line", 0) == node_number(step, "line", -1);
	return named ? "essential" : "important";
}

static json_t *flow_step(const json_t *finding, const json_t *step)
{
	char *words = interleaving_words(step);
	const char *note = node_string(step, "note");
	json_t *text =
		node_must(json_sprintf("%s: %s%s%s", node_string(step, "thread"), words ? words : "", *note ? "; " : "", note));
	json_t *at = object(), *values = state(step);
	node_set(at, "location", location(finding, step, json_string_value(text), false));
	if (values)
		node_set(at, "state", values);
	node_set(at, "nestingLevel", json_integer(0));
	node_set(at, "executionOrder", json_integer((json_int_t)node_number(step, "step", 0)));
	node_set(at, "importance", node_text(importance(finding, step)));
	json_decref(text);
	free(words);
	return at;
}

/* One code flow with one thread flow per thread; `executionOrder` puts their steps into one order. */
static void set_flow(json_t *result, const json_t *finding)
{
	const json_t *steps = node_get(finding, "interleaving"), *step, *thread;
	json_t *threads = interleaving_threads(steps), *flows = list();
	size_t i, k;
	json_array_foreach(threads, i, thread) {
		json_t *flow = node_append(flows, object()), *places = list();
		const char *name = json_string_value(thread);
		node_set(flow, "id", node_text(name));
		json_array_foreach(steps, k, step)
			if (strcmp(node_string(step, "thread"), name) == 0)
				node_append(places, flow_step(finding, step));
		node_set(flow, "locations", places);
	}
	if (json_array_size(flows)) {
		json_t *flow = object(), *all = list();
		node_set(flow, "message", message("The interleaving; executionOrder counts the steps of all threads."));
		node_set(flow, "threadFlows", flows);
		node_append(all, flow);
		node_set(result, "codeFlows", all);
	} else {
		json_decref(flows);
	}
	json_decref(threads);
}

/* ---- results */

static void set_rule(json_t *result, const char *kind)
{
	node_set(result, "ruleId", node_text(advice_for(kind)->kind));
	node_set(result, "ruleIndex", json_integer((json_int_t)advice_index(kind)));
}

static json_t *properties(const json_t *entry)
{
	const json_t *found_in = node_get(entry, "result"), *finding = node_get(entry, "finding");
	static const char *const copied[] = {"verdict", "engine", "compiler", "subject", "scenario", "model"};
	json_t *all = object();
	for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
		if (*node_string(found_in, copied[i]))
			node_set(all, copied[i], json_incref(node_get(found_in, copied[i])));
	if (*node_string(finding, "replay"))
		node_set(all, "replay", json_incref(node_get(finding, "replay")));
	if (json_array_size(node_get(finding, "refutes")))
		node_set(all, "refutes", json_incref(node_get(finding, "refutes")));
	if (json_array_size(node_get(finding, "fixes")))
		node_set(all, "fixes", json_incref(node_get(finding, "fixes")));
	node_set(all, "seenBy", json_incref(node_get(entry, "seen")));
	return all;
}

static json_t *result(const json_t *entry, bool baseline)
{
	const json_t *finding = node_get(entry, "finding");
	json_t *result = object(), *prints = object();
	char fingerprint[FINGERPRINT_MAX], *change = advice_words(finding);
	set_rule(result, node_string(finding, "kind"));
	node_set(result, "level", node_text(node_string(entry, "level")));
	const char *text = node_string(finding, "message");
	json_t *words = node_must(json_sprintf("%s. %s", *text ? text : "No words", change));
	node_set(result, "message", message(json_string_value(words)));
	json_decref(words);
	free(change);
	set_places(result, entry);
	set_flow(result, finding);
	finding_fingerprint(node_get(entry, "result"), finding, fingerprint);
	node_set(prints, "onceproof/1", node_text(fingerprint));
	node_set(result, "partialFingerprints", prints);
	if (baseline)
		node_set(result, "baselineState", node_text(json_is_true(node_get(entry, "known")) ? "unchanged" : "new"));
	node_set(result, "properties", properties(entry));
	return result;
}

static json_t *absent(const json_t *vanished)
{
	json_t *result = object(), *prints = object(), *places = list();
	const char *text = node_string(vanished, "message"), *file = found_subject_file(node_string(vanished, "subject"));
	set_rule(result, node_string(vanished, "kind"));
	node_set(result, "level", node_text("none"));
	node_set(result, "message", message(*text ? text : "This finding of the baseline was not seen again."));
	if (file) {
		json_t *place = node_must(json_pack("{s:o, s:i}", "file", node_text(file), "line", 1));
		node_append(places, location(vanished, place, "", false));
		json_decref(place);
	}
	node_set(result, "locations", places);
	node_set(prints, "onceproof/1", node_text(node_string(vanished, "fingerprint")));
	node_set(result, "partialFingerprints", prints);
	node_set(result, "baselineState", node_text("absent"));
	return result;
}

static json_t *results(const json_t *report, const json_t *found, size_t *left_out)
{
	json_t *results = list(), *vanished = found_vanished(report), *one;
	bool baseline = found_baseline(report);
	size_t i;
	json_array_foreach(found, i, one)
		if (i < RESULTS_MAX)
			node_append(results, result(one, baseline));
	*left_out = i > RESULTS_MAX ? i - RESULTS_MAX : 0;
	json_array_foreach(vanished, i, one)
		if (json_array_size(results) < RESULTS_MAX)
			node_append(results, absent(one));
		else
			++*left_out;
	json_decref(vanished);
	return results;
}

/* ---- the run */

static void notify(json_t *notifications, const char *id, int index, const char *level, json_t *text)
{
	json_t *notification = node_append(notifications, object()), *descriptor = object();
	node_set(descriptor, "id", node_text(id));
	node_set(descriptor, "index", json_integer(index));
	node_set(notification, "descriptor", descriptor);
	node_set(notification, "level", node_text(level));
	node_set(notification, "message", message(json_string_value(node_must(text))));
	json_decref(text);
}

static void notify_undecided(json_t *notifications, const json_t *of)
{
	const char *verdict = node_string(of, "verdict"), *scenario = node_string(of, "scenario");
	bool skipped = strcmp(verdict, "skipped") == 0, program = !*scenario || strcmp(scenario, "program") == 0;
	if (skipped || strcmp(verdict, "inconclusive") == 0)
		notify(notifications, "inconclusive", 0, skipped ? "note" : "warning",
			json_sprintf("%s%s%s, %s: %s: %s", node_string(of, "subject"), program ? "" : " ",
				program ? "" : scenario, node_string(of, "engine"), verdict, node_string(of, "evidence")));
}

static json_t *invocation(const json_t *report, size_t left_out)
{
	json_t *invocation = object(), *notifications = list();
	bool partial = json_is_true(node_get(report, "partial"));
	const json_t *status = node_get(report, "exit_status"), *of;
	size_t i;
	node_set(invocation, "executionSuccessful", json_boolean(!partial));
	if (json_is_integer(status))
		node_set(invocation, "exitCode", json_incref((json_t *)status));
	if (*node_string(report, "command"))
		node_set(invocation, "commandLine", node_text(node_string(report, "command")));
	if (partial)
		notify(notifications, "partial", 1, "warning",
			json_string("The run ended before everything was checked; what is missing is not judged."));
	json_array_foreach(node_get(report, "results"), i, of)
		notify_undecided(notifications, of);
	if (left_out)
		notify(notifications, "left-out", 2, "warning",
			json_sprintf("%zu more findings are left out: a file holds %d results; results.json has all.", left_out,
				RESULTS_MAX));
	if (json_array_size(notifications))
		node_set(invocation, "toolExecutionNotifications", notifications);
	else
		json_decref(notifications);
	return invocation;
}

static json_t *driver(const json_t *report, const json_t *found)
{
	json_t *driver = object();
	const char *version = node_string(node_get(report, "host"), "onceproof");
	node_set(driver, "name", node_text("onceproof"));
	node_set(driver, "fullName", node_must(json_sprintf("onceproof %s", version)));
	if (*version) {
		node_set(driver, "version", node_text(version));
		node_set(driver, "semanticVersion", node_text(version));
	}
	node_set(driver, "rules", rules(found));
	node_set(driver, "notifications", notification_kinds());
	return driver;
}

static json_t *sarif(const json_t *report)
{
	json_t *log = object(), *run = object(), *runs = list(), *found = found_gather(report), *tool = object(),
	       *bases = object(), *root = object(), *invocations = list();
	size_t left_out;
	node_set(tool, "driver", driver(report, found));
	node_set(run, "tool", tool);
	json_t *all = results(report, found, &left_out);
	node_append(invocations, invocation(report, left_out));
	node_set(run, "invocations", invocations);
	node_set(root, "description", message("The folder of the sources, where onceproof was started."));
	node_set(bases, "SRCROOT", root);
	node_set(run, "originalUriBaseIds", bases);
	node_set(run, "columnKind", node_text("unicodeCodePoints"));
	node_set(run, "results", all);
	node_append(runs, run);
	node_set(log, "$schema",
		node_text("https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"));
	node_set(log, "version", node_text("2.1.0"));
	node_set(log, "runs", runs);
	json_decref(found);
	return log;
}

int render_sarif(const json_t *report, const char *path)
{
	struct draft draft;
	int why = draft_open(&draft, path);
	if (!why) {
		json_t *log = sarif(report);
		errno = 0;
		if (json_dumpf(log, draft.stream, JSON_INDENT(1)) == 0 && fputc('\n', draft.stream) != EOF) {
			why = draft_commit(&draft);
		} else {
			why = errno ? errno : EIO;
			draft_abandon(&draft);
		}
		json_decref(log);
	}
	if (why)
		complain("%s: cannot write the SARIF log: %s; an earlier file is as it was", path, strerror(why));
	return why;
}
