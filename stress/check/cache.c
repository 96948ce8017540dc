/* SPDX-License-Identifier: MIT */
#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../impl/support/file.h"
#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../child.h"
#include "../program_parts.h"
#include "../symbolise.h"

enum { TOOL_TIMEOUT_S = 60, SOURCE_BYTES_MAX = 64 << 20, ENTRIES_MAX = 500 };
static const char schema[] = "onceproof-cache/1";

/* Keys ------------------------------------------------------------------------------------------------------------------------------ */

/* FNV-1a, 64 bits: only names files. */
static uint64_t hash(const char *text, size_t bytes)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < bytes; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
	return h;
}

/* The whole of a file, with its length in front of it. */
static bool add_file(FILE *out, const char *path)
{
	FILE *file = fopen(path, "re");
	char chunk[65536];
	size_t got, total = 0;
	if (!file)
		return false;
	fprintf(out, "file %s\n", path);
	while ((got = fread(chunk, 1, sizeof chunk, file)) > 0 && (total += got) <= SOURCE_BYTES_MAX)
		fwrite(chunk, 1, got, out);
	fprintf(out, "\nbytes %zu\n", total);
	bool whole = !ferror(file) && total <= SOURCE_BYTES_MAX;
	fclose(file);
	return whole;
}

/* Which program PATH is: a compiler that was exchanged has another size or time. */
static bool add_program(FILE *out, const char *name)
{
	char path[PATH_MAX];
	const char *dirs = strchr(name, '/') ? "" : getenv("PATH");
	struct stat info;
	for (const char *at = dirs ? dirs : "";; at += strcspn(at, ":") + 1) {
		size_t length = strcspn(at, ":");
		snprintf(path, sizeof path, "%.*s%s%s", (int)length, at, length ? "/" : "", name);
		if (stat(path, &info) == 0 && S_ISREG(info.st_mode))
			break;
		if (!at[length])
			return false;
	}
	fprintf(out, "program %s %lld %lld.%09ld\n", path, (long long)info.st_size, (long long)info.st_mtim.tv_sec,
		info.st_mtim.tv_nsec);
	return true;
}

/* The user's own files that a preprocessed TEXT names in its line markers, "# 1 \"a.h\"": also what stands under conditions that do not hold
 * there may count in another engine's build. */
static bool add_own_files(FILE *out, const char *text, const char *folder)
{
	struct words known = {0};
	bool good = true;
	for (const char *at = text; at && good; at = (at = strchr(at, '\n')) ? at + 1 : NULL) {
		char name[PATH_MAX], path[2 * PATH_MAX];
		/* Linemarkers begin with "# 1 " or "# 12 "; names have neither quotes nor backslashes, or are escaped. */
		if (at[0] != '#' || sscanf(at, "# %*u \"%4095[^\"]", name) != 1 || name[0] == '<' ||
			strncmp(name, "/usr/", 5) == 0)
			continue;
		if (words_have(&known, name))
			continue;
		words_add(&known, "%s", name);
		snprintf(path, sizeof path, "%s%s%s", folder && name[0] != '/' ? folder : "", folder && name[0] != '/' ? "/" : "",
			name);
		struct stat info;
		/* The folder of the compiler is named, too; a name that is escaped is not found, and then nothing is kept. */
		if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
			continue;
		good = add_file(out, path);
	}
	words_free(&known);
	return good;
}

/* The preprocessor on file INDEX, with what the explorer compiles it with. */
static bool preprocess(
	const struct check_subject *subject, size_t index, const struct program_compiler *compiler, struct words *words)
{
	const struct program_source *source = &subject->source;
	const struct program_unit *unit = source->units ? &source->units[index] : NULL;
	struct program_flags flags = {0}, own = {0};
	bool good = program_flags(source->flags, source->flag_count, &flags) == 0 &&
		    (!unit || program_flags(unit->flags, unit->flag_count, &own) == 0);
	words_append(words, &compiler->words);
	words_add(words, "-O1");
	words_append(words, &flags.compile);
	words_append(words, &own.compile);
	words_add(words, "-fsanitize=thread");
	words_add(words, "-U_FORTIFY_SOURCE");
	if (source->optimise)
		words_add(words, "%s", source->optimise);
	program_includes(source->files[index], source->helpers, words);
	words_add(words, "-E");
	program_add_file(words, source->files[index]);
	words_free(&flags.compile);
	words_free(&flags.link);
	words_free(&own.compile);
	words_free(&own.link);
	return good;
}

/* What a file is after the preprocessor, and which compiler it is. */
static bool add_source(FILE *out, const struct check_subject *subject, size_t index)
{
	const char *file = subject->source.files[index],
		   *folder = subject->source.units ? subject->source.units[index].folder : NULL;
	struct program_compiler compiler;
	struct words words = {0};
	bool good = program_compiler(subject->source.compiler, program_is_cxx(file), &compiler) == 0 &&
		    preprocess(subject, index, &compiler, &words) && add_program(out, compiler.words.at[0]);
	/* "ccache gcc" */
	for (size_t i = 1; good && i < compiler.words.count; i++)
		if (compiler.words.at[i][0] != '-')
			add_program(out, compiler.words.at[i]);
	const struct child_options options = {
		.argv = words.at, .timeout_s = TOOL_TIMEOUT_S, .output_max = SOURCE_BYTES_MAX, .folder = folder};
	struct child_result child;
	if (good && child_run(&options, &child) == 0) {
		/* The assembler reads files of its own. */
		good = child.status == 0 && child.out_length < SOURCE_BYTES_MAX && !strstr(child.out, ".incbin") &&
		       !strstr(child.out, ".include ");
		fprintf(out, "compiler %s\nsource %s in %s\n", compiler.name, file, folder ? folder : "");
		for (size_t i = 0; i < words.count; i++)
			fprintf(out, "word %s\n", words.at[i]);
		fwrite(child.out, 1, child.out_length, out);
		fprintf(out, "\nbytes %zu\n", child.out_length);
		good = good && add_own_files(out, child.out, folder);
		child_free(&child);
	} else {
		good = false;
	}
	words_free(&compiler.words);
	words_free(&words);
	return good;
}

static bool begins_with_one_of(const char *flag, const char *const *starts)
{
	while (*starts && strncmp(flag, *starts, strlen(*starts)) != 0)
		starts++;
	return *starts != NULL;
}

/* Does FLAG bring in what neither the preprocessor shows nor a path among the flags names? Libraries (which of them would be taken is the
 * linker's to say; the system's own apart), parts of the compiler, profiles, further flags. */
static bool brings_more(const char *flag)
{
	static const char *const more[] = {"-L", "@", "-fplugin", "-specs", "--specs", "-B", "--sysroot", "-fprofile", "-wrapper",
		"-fuse-ld", "-Wl,", "-Xlinker", "-Xclang", "-fauto-profile", "-fpass-plugin", NULL};
	static const char *const usual[] = {"-lm", "-lpthread", "-lrt", "-ldl", "-lc", "-latomic", "-lstdc++", NULL};
	if (strncmp(flag, "-l", 2) != 0)
		return begins_with_one_of(flag, more);
	size_t i = 0;
	while (usual[i] && strcmp(usual[i], flag) != 0)
		i++;
	return !usual[i];
}

/* Objects and archives among the flags. false: something cannot be told from them. */
static bool add_flags(FILE *out, char *const *flags, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *flag = flags[i];
		struct stat info;
		fprintf(out, "flag %zu %s\n", strlen(flag), flag);
		if (brings_more(flag))
			return false;
		if (flag[0] != '-' && stat(flag, &info) == 0 && S_ISREG(info.st_mode) && !add_file(out, flag))
			return false;
	}
	return true;
}

static void add_words(FILE *out, const char *name, char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s %zu %s\n", name, strlen(words[i]), words[i]);
}

static void add_plan(FILE *out, const struct check_subject *subject, const struct check_plan *plan)
{
	char build[72], here[PATH_MAX];
	symbolise_build_id("/proc/self/exe", build, sizeof build);
	fprintf(out, "%s\nonceproof %s %s\nfolder %s\n", schema, ONCEPROOF_VERSION, build, getcwd(here, sizeof here) ? here : "");
	fprintf(out, "subject %s %s\nengines %x budget %g executions %" PRIu64 " model %s strategy %s shard %u/%u fixes %d\n",
		subject->name, subject->scenario, plan->engines, plan->budget_s, plan->executions, plan->model ? plan->model : "",
		plan->strategy ? plan->strategy : "", plan->shard, plan->shards, plan->fixes);
	fprintf(out, "seed %s%" PRIu64 "\n", plan->seed_given ? "" : "any ", plan->seed_given ? plan->seed : 0);
	/* Programs make as many threads. */
	fprintf(out, "processors %ld of %ld\n", sysconf(_SC_NPROCESSORS_ONLN), sysconf(_SC_NPROCESSORS_CONF));
	fprintf(out, "promises %s\nwitness %s\noptimise %s\n", plan->promises ? plan->promises : "",
		plan->witness_folder ? plan->witness_folder : "", subject->source.optimise ? subject->source.optimise : "");
}

static bool add_linked(FILE *out, const struct check_subject *subject)
{
	bool good = add_flags(out, subject->source.flags, subject->source.flag_count);
	for (size_t i = 0; subject->source.units && i < subject->source.file_count; i++)
		good = good && add_flags(out, subject->source.units[i].flags, subject->source.units[i].flag_count);
	return good;
}

bool cache_key_make(const struct check_subject *subject, const struct check_plan *plan, struct cache_key *key)
{
	*key = (struct cache_key){0};
	FILE *out = open_memstream(&key->text, &key->bytes);
	if (!out)
		return false;
	char path[PATH_MAX];
	add_plan(out, subject, plan);
	add_words(out, "argument", subject->arguments, subject->argument_count);
	snprintf(path, sizeof path, "%s/explore_program.o", plan->helpers);
	bool good = add_program(out, path) && add_linked(out, subject) && (!subject->input || add_file(out, subject->input));
	for (size_t i = 0; i < subject->source.file_count && good; i++)
		good = add_source(out, subject, i);
	good &= ferror(out) == 0;
	if (fclose(out) != 0 || !good) {
		cache_key_free(key);
		return false;
	}
	snprintf(key->name, sizeof key->name, "%016" PRIx64, hash(key->text, key->bytes));
	return true;
}

void cache_key_free(struct cache_key *key)
{
	free(key->text);
	*key = (struct cache_key){0};
}

/* Entries ---------------------------------------------------------------------------------------------------------------------------- */

/* "SCHEMA KEYBYTES\n", the key, then the results as JSON. false: nowhere to keep things. */
static bool folder_path(char *path, size_t bytes)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	if (cache && *cache == '/')
		snprintf(path, bytes, "%s/onceproof", cache);
	else if (home && *home == '/')
		snprintf(path, bytes, "%s/.cache/onceproof", home);
	else
		return false;
	return true;
}

static bool entry_path(const struct cache_key *key, char *path, size_t bytes)
{
	char folder[PATH_MAX];
	if (!folder_path(folder, sizeof folder))
		return false;
	return (size_t)snprintf(path, bytes, "%s/%s", folder, key->name) < bytes;
}

/* Reads and compares the key. false: it is another's, or the entry is damaged. */
static bool same_key(FILE *file, const struct cache_key *key)
{
	char line[64], wanted[64];
	snprintf(wanted, sizeof wanted, "%s %zu\n", schema, key->bytes);
	if (!fgets(line, sizeof line, file) || strcmp(line, wanted) != 0)
		return false;
	char chunk[65536];
	for (size_t at = 0; at < key->bytes;) {
		size_t want = key->bytes - at < sizeof chunk ? key->bytes - at : sizeof chunk;
		if (fread(chunk, 1, want, file) != want || memcmp(chunk, key->text + at, want) != 0)
			return false;
		at += want;
	}
	return true;
}

/* Are the witnesses that the findings name still there? */
static bool witnesses_there(const json_t *results)
{
	size_t i, k;
	json_t *result, *finding;
	json_array_foreach(results, i, result)
		json_array_foreach(node_get(result, "findings"), k, finding) {
			const char *path = node_string(finding, "witness");
			if (*path && access(path, R_OK) != 0)
				return false;
		}
	return true;
}

json_t *cache_find(const struct cache_key *key)
{
	char path[PATH_MAX];
	FILE *file = entry_path(key, path, sizeof path) ? fopen(path, "re") : NULL;
	json_t *results = NULL;
	if (file && same_key(file, key))
		results = json_loadf(file, 0, NULL);
	if (file)
		fclose(file);
	if (results && (!json_is_array(results) || !witnesses_there(results))) {
		json_decref(results);
		results = NULL;
	}
	return results;
}

/* The explorer sees all that an execution depends on, and says where that is more than the key: files, the environment, functions that it does
 * not know. Real runs depend on the machine. */
static bool depends_on_the_key_alone(const json_t *results)
{
	size_t i;
	const json_t *it;
	bool decided = false;
	json_array_foreach(results, i, it) {
		const char *verdict = node_string(it, "verdict");
		if (strcmp(verdict, "inconclusive") == 0 || strcmp(verdict, "skipped") == 0)
			return false;
		if (strcmp(node_string(it, "engine"), "explore") != 0)
			continue;
		if (*node_string(it, "isolated") || *node_string(it, "limits") || json_is_true(node_get(it, "reads_files")))
			return false;
		decided = true;
	}
	return decided;
}

/* Removes the oldest entries where there are too many. */
static void prune(const char *folder)
{
	for (unsigned round = 0; round < 8; round++) {
		char oldest[PATH_MAX] = "", path[PATH_MAX];
		struct timespec when = {0};
		unsigned count = 0;
		DIR *listing = opendir(folder);
		for (struct dirent *entry; listing && (entry = readdir(listing)) != NULL;) {
			struct stat info;
			snprintf(path, sizeof path, "%s/%.255s", folder, entry->d_name);
			if (entry->d_name[0] == '.' || stat(path, &info) != 0 || !S_ISREG(info.st_mode))
				continue;
			count++;
			if (!*oldest || info.st_mtim.tv_sec < when.tv_sec) {
				snprintf(oldest, sizeof oldest, "%s", path);
				when = info.st_mtim;
			}
		}
		if (listing)
			closedir(listing);
		if (count <= ENTRIES_MAX || !*oldest || unlink(oldest) != 0)
			return;
	}
}

void cache_keep(const struct cache_key *key, const json_t *results, char *why, size_t bytes)
{
	char path[PATH_MAX], folder[PATH_MAX];
	struct draft draft;
	*why = '\0';
	if (!depends_on_the_key_alone(results) || !folder_path(folder, sizeof folder) || !entry_path(key, path, sizeof path))
		return;
	int failed = make_directories(folder);
	if (!failed)
		failed = draft_open(&draft, path);
	if (failed) {
		snprintf(why, bytes, "%s: %s", folder, strerror(failed));
		return;
	}
	fprintf(draft.stream, "%s %zu\n", schema, key->bytes);
	fwrite(key->text, 1, key->bytes, draft.stream);
	if (json_dumpf(results, draft.stream, JSON_COMPACT) != 0) {
		draft_abandon(&draft);
		return;
	}
	failed = draft_commit(&draft);
	if (failed)
		snprintf(why, bytes, "%s: %s", path, strerror(failed));
	prune(folder);
}
