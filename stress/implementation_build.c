/* SPDX-License-Identifier: MIT */
#include "implementation_build.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../impl/support/say.h"
#include "check/engines.h"
#include "child.h"
#include "program_parts.h"

enum { DESCRIBE_S = 10, DESCRIPTION_BYTES_MAX = 64 * 1024 };

static const char *const part_names[IMPLEMENTATION_PARTS] = {
	"onceproof-worker", "onceproof-explore", "onceproof-worker_tsan", "implementation.so"};

/* The export line -------------------------------------------------------------------------------------------------------------------- */

static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	if (!file || (getdelim(&text, &room, '\0', file) < 0 && ferror(file))) {
		complain("%s: %s", path, strerror(errno));
		free(text);
		text = NULL;
	} else if (!text) {
		text = strdup("");
	}
	if (file)
		fclose(file);
	return text;
}

/* "COUNTER_EXPORT(mine, …" at the beginning of a line: the family and the name. */
static bool find_export(const char *text, enum family *family, char *name, size_t bytes)
{
	static const char *const words[] = {"INITIALISER_EXPORT", "COUNTER_EXPORT", "PROGRESS_EXPORT"};
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		for (int f = 0; f < FAMILY_PIPELINE; f++) {
			size_t length = strlen(words[f]);
			if (strncmp(line, words[f], length) != 0 || line[length] != '(')
				continue;
			const char *at = line + length + 1;
			at += strspn(at, " \t\r\n");
			size_t letters = 0;
			while (isalnum((unsigned char)at[letters]) || at[letters] == '_')
				letters++;
			snprintf(name, bytes, "%.*s", (int)letters, at);
			*family = (enum family)f;
			return letters > 0;
		}
	return false;
}

static int find_symbol(struct implementation_file *file)
{
	char name[96];
	for (size_t i = 0; i < file->source.file_count; i++) {
		const char *path = file->source.files[i];
		if (program_is_cxx(path)) {
			complain("%s: an implementation is written in C (its descriptor is a C11 initialiser, its loops are "
				 "compiled with it)",
				path);
			return EXIT_USAGE;
		}
		char *text = read_text(path);
		if (!text)
			return EXIT_USAGE;
		if (!file->text && find_export(text, &file->family, name, sizeof name)) {
			snprintf(file->symbol, sizeof file->symbol, "%s_%s", family_name(file->family), name);
			file->text = text;
			/* What people are shown is where the implementation is. */
			file->described.entry.file = path;
		} else {
			free(text);
		}
	}
	if (file->text)
		return 0;
	complain("%s: no line begins with INITIALISER_EXPORT(NAME, COUNTER_EXPORT(NAME or PROGRESS_EXPORT(NAME",
		file->source.files[0]);
	return EXIT_USAGE;
}

/* The registry --------------------------------------------------------------------------------------------------------------------------- */

static void write_literal(FILE *to, const char *text)
{
	fputc('"', to);
	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		if (*at == '\n')
			fputs("\\n\"\n\"", to);
		else if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\' || *at == '?')
			fprintf(to, "\\%03o", *at);
		else
			fputc(*at, to);
	fputc('"', to);
}

/* One entry, as a table of its own for workers and as an object of its own for whoever loads it. */
static int write_registry(struct implementation_file *file)
{
	if (asprintf(&file->registry, "%s/registry.c", file->folder.path) < 0) {
		file->registry = NULL;
		complain("out of memory");
		return EXIT_USAGE;
	}
	FILE *to = fopen(file->registry, "we");
	if (!to) {
		complain("%s: %s", file->registry, strerror(errno));
		return EXIT_USAGE;
	}
	fprintf(to, "#include <onceproof/contract.h>\nextern const struct implementation %s;\n", file->symbol);
	fprintf(to, "const struct registered onceproof_loaded = {REGISTERED_BY_USER, ");
	write_literal(to, file->described.entry.file);
	fprintf(to, ", &%s,\n", file->symbol);
	write_literal(to, file->text);
	fprintf(to, "};\n#ifdef ONCEPROOF_WORKER\n"
		    "const struct registered *onceproof_registry = &onceproof_loaded;\nsize_t onceproof_registry_count = "
		    "1;\n#endif\n");
	bool failed = ferror(to) != 0;
	failed |= fclose(to) != 0;
	if (failed)
		complain("%s: %s; set TMPDIR to a folder with room", file->registry, strerror(errno));
	return failed ? EXIT_USAGE : 0;
}

/* Building --------------------------------------------------------------------------------------------------------------------------------- */

int implementation_part(struct implementation_file *file, enum implementation_part part)
{
	struct program_build *built = &file->built[part];
	if (file->made[part])
		return 0;
	int status = part == IMPLEMENTATION_EXPLORE ? program_build(&file->source, built)
						    : program_compile(&file->source,
							      part == IMPLEMENTATION_TSAN     ? PROGRAM_TSAN
							      : part == IMPLEMENTATION_SHARED ? PROGRAM_SHARED
											      : PROGRAM_NATIVE,
							      built);
	if (status)
		return status;
	file->made[part] = true;
	char *name;
	if (asprintf(&name, "%s/%s", file->folder.path, part_names[part]) < 0 || symlink(built->program, name) != 0) {
		complain("%s: %s", file->folder.path, strerror(errno));
		return EXIT_USAGE;
	}
	free(name);
	/* What the compiled code tells by itself need not be declared. */
	if (built->fences)
		file->described.how.about.features |= FEATURE_FENCE;
	if (built->call_once)
		file->described.how.about.features |= FEATURE_CALL_ONCE;
	return 0;
}

static int describe_it(struct implementation_file *file)
{
	const char *path = file->described.entry.file;
	char *words[] = {file->built[IMPLEMENTATION_NATIVE].program, (char *)"--describe", NULL};
	const struct child_options options = {
		.argv = words, .timeout_s = DESCRIBE_S, .output_max = DESCRIPTION_BYTES_MAX, .limits = check_limits()};
	struct child_result child;
	int why = child_run(&options, &child);
	if (why) {
		complain("%s: its worker cannot be run: %s", path, strerror(why));
		return EXIT_USAGE;
	}
	json_t *text = child.status == 0 && !child.timed_out ? json_loads(child.out, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (!text)
		complain("%s: it does not say what it is: %s", path, child.timed_out ? "its worker did not answer" : child.err);
	child_free(&child);
	if (!text)
		return EXIT_USAGE;
	if (described_from(text, path, file->text, &file->described) == 0)
		return 0;
	complain("%s: its export line gives no whole descriptor", path);
	return EXIT_USAGE;
}

int implementation_open(const struct program_source *source, struct implementation_file *file)
{
	*file = (struct implementation_file){.source = *source, .folder = {.lock = -1}};
	int status = find_symbol(file);
	if (!status)
		status = private_folder_make(&file->folder);
	if (!status)
		status = write_registry(file);
	file->host = (struct program_host){file->symbol, family_name(file->family), file->registry};
	file->source.host = &file->host;
	if (!status)
		status = implementation_part(file, IMPLEMENTATION_NATIVE);
	if (!status)
		status = describe_it(file);
	if (status)
		implementation_close(file);
	return status;
}

void implementation_close(struct implementation_file *file)
{
	for (int part = 0; part < IMPLEMENTATION_PARTS; part++)
		if (file->made[part])
			program_build_close(&file->built[part]);
	described_close(&file->described);
	if (file->folder.path)
		private_folder_remove(&file->folder);
	free(file->registry);
	free(file->text);
	*file = (struct implementation_file){.folder = {.lock = -1}};
}
