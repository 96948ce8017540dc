/* SPDX-License-Identifier: MIT */
#include "witness.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "../reports/node.h"
#include "../reports/result.h"

/* FNV-1a (Fowler, Noll, Vo), 64 bits: short, and the same on every machine. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash * 0x100000001b3u;
}
static const uint64_t hash_start = 0xcbf29ce484222325u;

void witness_source_hash(const char *file, char text[17])
{
	uint64_t hash = hash_start;
	*text = '\0';
	for (size_t i = 0; file && i < onceproof_registry_count; i++)
		if (strcmp(onceproof_registry[i].file, file) == 0) {
			snprintf(text, 17, "%016" PRIx64, hash_text(hash, onceproof_registry[i].source));
			return;
		}
	FILE *stream = file ? fopen(file, "re") : NULL;
	char *line = NULL;
	size_t room = 0;
	if (!stream)
		return;
	while (getline(&line, &room, stream) >= 0)
		hash = hash_text(hash, line);
	free(line);
	fclose(stream);
	snprintf(text, 17, "%016" PRIx64, hash);
}

/* What tells findings of one subject and scenario apart, wherever they were seen: kind, outcome and places. */
static uint64_t finding_key(const struct explored *what, const json_t *found, const json_t *finding)
{
	char title[512], line[64];
	explored_title(what, title, sizeof title);
	uint64_t hash = hash_text(hash_text(hash_start, title), node_string(found, "kind"));
	snprintf(line, sizeof line, "%d", (int)node_number(found, "outcome", -1));
	hash = hash_text(hash, line);
	size_t i;
	const json_t *place;
	json_array_foreach(node_get(finding, "locations"), i, place) {
		snprintf(line, sizeof line, "%d", (int)node_number(place, "line", 0));
		hash = hash_text(hash_text(hash, node_string(place, "file")), line);
		hash = hash_text(hash, node_string(place, "access"));
	}
	return hash;
}

/* "counter-naive-two_increments-forbidden-outcome-1a2b3c4d.json". */
static void file_name(const struct explored *what, const char *kind, uint64_t key, char *name, size_t bytes)
{
	char title[512];
	explored_title(what, title, sizeof title);
	snprintf(name, bytes, "%.120s-%s-%08" PRIx32 ".json", title, kind, (uint32_t)(key >> 32 ^ key));
	for (char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '.' && *at != '_' && *at != '-')
			*at = '-';
	if (*name == '.')
		*name = '-';
}

static json_t *witness_new(
	const struct explored *what, const json_t *answer, const json_t *found, const json_t *finding, uint64_t key)
{
	static const char *const of_finding[] = {"kind", "message", "refutes", "interleaving", "hidden_steps", "locations"};
	static const char *const of_found[] = {"stale", "preemptions", "schedule"};
	char subject[160], build[72], source[17], digits[17];
	json_t *witness = node_must(json_object());
	symbolise_build_id(what->module, build, sizeof build);
	witness_source_hash(what->file, source);
	snprintf(digits, sizeof digits, "%016" PRIx64, key);
	if (what->subject)
		snprintf(subject, sizeof subject, "%s/%s", family_name(what->subject->about->family), what->subject->about->name);
	int outcome = (int)node_number(found, "outcome", -1);
	bool named = what->scenario && outcome >= 0 && outcome < (int)what->scenario->outcome_count;
	node_set(witness, "schema", node_text("onceproof-witness/1"));
	node_set(witness, "onceproof", node_text(ONCEPROOF_VERSION));
	node_set(witness, "compiler", node_text(compiler_name()));
	node_set(witness, "subject", node_text(what->subject ? subject : what->file));
	node_set(witness, "scenario", node_text(what->scenario ? what->scenario->name : what->part ? what->part : ""));
	node_set(witness, "program", what->program ? json_deep_copy(what->program) : json_null());
	node_set(witness, "model", node_text(node_string(answer, "model")));
	node_set(witness, "seed", json_incref(node_get(answer, "seed")));
	node_set(witness, "build", node_text(build));
	node_set(witness, "source", node_text(source));
	node_set(witness, "file", node_text(what->file));
	node_set(witness, "outcome", named ? node_text(what->scenario->outcomes[outcome].label) : json_null());
	node_set(witness, "key", node_text(digits));
	for (size_t i = 0; i < sizeof of_finding / sizeof *of_finding; i++)
		if (node_get(finding, of_finding[i]))
			node_set(witness, of_finding[i], json_incref(node_get(finding, of_finding[i])));
	for (size_t i = 0; i < sizeof of_found / sizeof *of_found; i++)
		if (node_get(found, of_found[i]))
			node_set(witness, of_found[i], json_incref(node_get(found, of_found[i])));
	return witness;
}

/* A word of a command line as the shell reads it. */
static json_t *quoted(const char *path)
{
	if (path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@%")] == '\0')
		return node_must(json_sprintf("onceproof replay %s", path));
	json_t *text = NULL;
	char *command = NULL;
	size_t bytes;
	FILE *out = open_memstream(&command, &bytes);
	if (!out)
		return json_null();
	fputs("onceproof replay '", out);
	for (; *path; path++)
		fputs(*path == '\'' ? "'\\''" : (char[]){*path, '\0'}, out);
	fputc('\'', out);
	if (fclose(out) == 0)
		text = node_text(command);
	free(command);
	return text ? text : json_null();
}

int witness_write(const struct explored *what, const json_t *answer, const json_t *found, json_t *finding)
{
	char name[256], path[PATH_MAX];
	uint64_t key = finding_key(what, found, finding);
	file_name(what, node_string(found, "kind"), key, name, sizeof name);
	snprintf(path, sizeof path, "%s/%s", what->witness_folder, name);
	struct draft draft;
	int why = make_directories(what->witness_folder);
	json_t *witness = witness_new(what, answer, found, finding, key);
	if (!why)
		why = draft_open(&draft, path);
	if (!why) {
		errno = 0;
		if (json_dumpf(witness, draft.stream, JSON_INDENT(1)) == 0 && fputc('\n', draft.stream) != EOF) {
			why = draft_commit(&draft);
		} else {
			why = errno ? errno : EIO;
			draft_abandon(&draft);
		}
	}
	json_decref(witness);
	if (why)
		complain("%s: cannot write the witness: %s; choose another folder with --witness", path, strerror(why));
	else {
		node_set(finding, "replay", quoted(path));
		node_set(finding, "witness", node_text(path));
	}
	return why;
}

json_t *witness_read(const char *path)
{
	static const char *const texts[] = {"subject", "scenario", "model", "kind", "message"};
	json_error_t error;
	errno = 0;
	FILE *file = fopen(path, "re");
	if (!file) {
		complain("%s: cannot read the witness: %s", path, strerror(errno));
		return NULL;
	}
	json_t *witness = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	int why = ferror(file) ? errno : 0;
	fclose(file);
	const char *schema = node_string(witness, "schema"), *missing = NULL;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (!json_is_string(node_get(witness, texts[i])))
			missing = texts[i];
	if (!json_is_array(node_get(witness, "schedule")))
		missing = "schedule";
	if (why)
		complain("%s: cannot read the witness: %s", path, strerror(why));
	else if (!witness)
		complain("%s: not valid JSON: line %d: %s; is this a witness of onceproof?", path, error.line, error.text);
	else if (strcmp(schema, "onceproof-witness/1") != 0 && *schema)
		complain("%s: schema '%.64s', but this program replays 'onceproof-witness/1'; use the onceproof that wrote it",
			path, schema);
	else if (!*schema || missing)
		complain("%s: \"%s\" is missing; is this a witness of onceproof?", path, *schema ? missing : "schema");
	else
		return witness;
	json_decref(witness);
	return NULL;
}
