/* SPDX-License-Identifier: MIT */
#include "found.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../impl/contract.h"
#include "advice.h"
#include "fingerprint.h"
#include "node.h"
#include "render.h"
#include "source.h"

bool github_actions(void)
{
	const char *set = getenv("GITHUB_ACTIONS");
	return set && strcmp(set, "true") == 0;
}

void report_complete(json_t *report)
{
	size_t i;
	json_t *result;
	json_array_foreach(node_get(report, "results"), i, result)
		result_fingerprints(result);
}

/* The current folder below the repository of a GitHub workflow, "" where that is not known; static storage. */
static const char *folder_in_repository(void)
{
	static char folder[PATH_MAX];
	char workspace[PATH_MAX];
	const char *set = getenv("GITHUB_WORKSPACE");
	if (!github_actions() || !set || !realpath(set, workspace) || !getcwd(folder, sizeof folder))
		return "";
	size_t length = strlen(workspace);
	return strncmp(folder, workspace, length) == 0 && folder[length] == '/' ? folder + length + 1 : "";
}

/* PATH without "." and with ".." taken back, as far as it goes. */
static void tidy(char *path)
{
	char *out = path;
	for (const char *at = path; *at;) {
		size_t length = strcspn(at, "/");
		const char *slash = memrchr(path, '/', (size_t)(out - path));
		char *last = slash ? path + (slash + 1 - path) : path;
		bool dot = length == 1 && *at == '.', up = length == 2 && strncmp(at, "..", 2) == 0;
		bool drops = up && out > path && !(out - last == 2 && strncmp(last, "..", 2) == 0);
		if (drops) {
			out = last > path ? last - 1 : path;
		} else if (!dot) {
			if (out > path)
				*out++ = '/';
			memmove(out, at, length);
			out += length;
		}
		at += length + strspn(at + length, "/");
	}
	*out = '\0';
}

char *found_file(const char *file)
{
	const char *bare = relative_file(file), *folder = *bare == '/' ? "" : folder_in_repository();
	char *whole = NULL;
	if (asprintf(&whole, "%s%s%s", folder, *folder ? "/" : "", bare) < 0)
		node_must(NULL);
	if (*whole != '/')
		tidy(whole);
	return whole;
}

bool found_informs_only(const json_t *result)
{
	const char *engine = node_string(result, "engine");
	return strcmp(engine, "helgrind") == 0 || strcmp(engine, "drd") == 0;
}

const json_t *found_check(const json_t *report, const json_t *result)
{
	const json_t *of_subject = NULL, *check;
	size_t i;
	json_array_foreach(node_get(report, "checks"), i, check) {
		if (strcmp(node_string(check, "subject"), node_string(result, "subject")) != 0)
			continue;
		if (strcmp(node_string(check, "compiler"), node_string(result, "compiler")) == 0)
			return check;
		of_subject = of_subject ? of_subject : check;
	}
	return of_subject;
}

static const char *level_of(const json_t *report, const json_t *result, const json_t *finding)
{
	bool wanted = strcmp(node_string(found_check(report, result), "expected"), "bug") == 0;
	return wanted || found_informs_only(result) || !json_is_false(node_get(result, "as_expected"))
		       ? "note"
		       : advice_for(node_string(finding, "kind"))->level;
}

/* The smaller, the more important. */
static int rank(const json_t *entry)
{
	const char *level = node_string(entry, "level");
	int of_level = *level == 'e' ? 0 : *level == 'w' ? 1 : 2;
	return json_is_true(node_get(entry, "known")) ? 3 : of_level;
}

/* How much FINDING can show. */
static int shows(const json_t *finding)
{
	return (json_array_size(node_get(finding, "fixes")) > 0) * 4 +
	       (json_array_size(node_get(finding, "interleaving")) > 0) * 2 +
	       (json_array_size(node_get(finding, "locations")) > 0);
}

static void see(const json_t *report, json_t *entry, json_t *result, json_t *finding)
{
	const char *scenario = node_string(result, "scenario"), *compiler = node_string(result, "compiler");
	bool program = strcmp(scenario, "program") == 0;
	json_t *seen = node_get(entry, "seen"), *one;
	json_t *words = node_must(json_sprintf("%s%s%s%s%s%s", node_string(result, "engine"), program ? "" : " ",
		program ? "" : scenario, *compiler ? " (" : "", compiler, *compiler ? ")" : ""));
	size_t i;
	bool there = false;
	json_array_foreach(seen, i, one)
		there |= json_equal(one, words);
	if (!there)
		node_append(seen, json_incref(words));
	json_decref(words);
	json_t *mine = node_must(json_pack("{s:s, s:b}", "level", level_of(report, result, finding), "known",
		strcmp(node_string(finding, "baseline"), "known") == 0));
	json_t *had = node_get(entry, "finding");
	int better = had ? rank(entry) - rank(mine) : 1;
	if (better > 0) {
		node_set(entry, "level", json_incref(node_get(mine, "level")));
		node_set(entry, "known", json_incref(node_get(mine, "known")));
	}
	if (!had || shows(finding) > shows(had)) {
		node_set(entry, "finding", json_incref(finding));
		node_set(entry, "result", json_incref(result));
	}
	json_decref(mine);
}

/* What makes FINDING one entry. Where nobody has counted those that look the same (a report of an older version), lines keep them apart. */
static json_t *key_of(const json_t *result, const json_t *finding)
{
	char fingerprint[FINGERPRINT_MAX];
	json_t *lines = node_must(json_array()), *place;
	size_t i;
	finding_fingerprint(result, finding, fingerprint);
	if (!*node_string(finding, "fingerprint"))
		json_array_foreach(node_get(finding, "locations"), i, place)
			node_append(lines, json_integer((json_int_t)node_number(place, "line", 0)));
	char *text = json_dumps(lines, JSON_COMPACT);
	json_t *key = node_must(json_sprintf("%s %s %s", fingerprint, text ? text : "", node_string(result, "subject")));
	free(text);
	json_decref(lines);
	return key;
}

json_t *found_gather(const json_t *report)
{
	json_t *entries = node_must(json_object()), *sorted = node_must(json_array()), *result, *finding, *entry;
	size_t i, k;
	const char *name;
	json_array_foreach(node_get(report, "results"), i, result)
		json_array_foreach(node_get(result, "findings"), k, finding) {
			json_t *key = key_of(result, finding);
			entry = json_object_get(entries, json_string_value(key));
			if (!entry) {
				entry = node_must(json_pack("{s:s, s:b, s:[]}", "level", "note", "known", 1, "seen"));
				node_set(entries, json_string_value(key), entry);
			}
			see(report, entry, result, finding);
			json_decref(key);
		}
	for (int wanted = 0; wanted <= 3; wanted++)
		json_object_foreach(entries, name, entry)
			if (rank(entry) == wanted)
				node_append(sorted, json_incref(entry));
	json_decref(entries);
	return sorted;
}

const char *found_subject_file(const char *subject)
{
	const char *slash = strchr(subject, '/'), *end = strrchr(subject, '.');
	for (int family = 0; slash && family < FAMILY_COUNT; family++) {
		const char *prefix = family_name((enum family)family);
		const struct registered *entry = registry_find((enum family)family, slash + 1);
		if (entry && strlen(prefix) == (size_t)(slash - subject) && strncmp(subject, prefix, strlen(prefix)) == 0)
			return entry->file;
	}
	return end && !strchr(end, '/') ? subject : NULL;
}

json_t *found_places(const json_t *entry)
{
	const json_t *finding = node_get(entry, "finding"), *steps = node_get(finding, "interleaving"), *last = NULL, *step;
	const char *file = found_subject_file(node_string(node_get(entry, "result"), "subject"));
	json_t *places = node_get(finding, "locations");
	if (json_array_size(places))
		return json_incref(places);
	places = node_must(json_array());
	size_t i;
	bool inside = false;
	json_array_foreach(steps, i, step) {
		bool its = file && strcmp(node_string(step, "file"), file) == 0;
		if (*node_string(step, "file") && (its || !inside))
			last = step;
		inside |= its;
	}
	json_t *place = node_must(json_object());
	static const char *const copied[] = {"file", "line", "function", "thread", "source"};
	for (i = 0; last && i < sizeof copied / sizeof *copied; i++)
		node_set(place, copied[i], json_incref(node_get(last, copied[i])));
	if (!last && file) {
		node_set(place, "file", node_text(file));
		node_set(place, "line", json_integer(1));
	}
	if (last)
		node_set(place, "access", node_text("is here last"));
	if (last || file)
		node_append(places, json_incref(place));
	json_decref(place);
	return places;
}

bool found_baseline(const json_t *report)
{
	size_t i, k;
	const json_t *result, *finding, *check;
	json_array_foreach(node_get(report, "checks"), i, check)
		if (node_get(check, "vanished") || node_get(check, "known"))
			return true;
	json_array_foreach(node_get(report, "results"), i, result)
		json_array_foreach(node_get(result, "findings"), k, finding)
			if (*node_string(finding, "baseline"))
				return true;
	return false;
}

json_t *found_vanished(const json_t *report)
{
	json_t *all = node_must(json_array()), *one;
	size_t i, k;
	const json_t *check;
	json_array_foreach(node_get(report, "checks"), i, check)
		json_array_foreach(node_get(check, "vanished"), k, one) {
			const char *fingerprint = json_is_string(one) ? json_string_value(one) : node_string(one, "fingerprint"),
				   *message = node_string(one, "message");
			int kind = (int)strcspn(fingerprint, ":");
			json_t *words = node_append(all, node_must(json_object()));
			node_set(words, "fingerprint", node_text(fingerprint));
			node_set(words, "kind", node_must(json_sprintf("%.*s", kind, fingerprint)));
			node_set(words, "message", node_text(message));
			node_set(words, "subject", node_text(node_string(check, "subject")));
		}
	return all;
}
