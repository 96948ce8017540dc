/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fnmatch.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

const char *argp_program_version = "onceproof " ONCEPROOF_VERSION;

enum { KEY_SEED = 0x1000, KEY_JSON, KEY_JUNIT, KEY_SARIF, KEY_COLOR, KEY_SHARD };

static const struct argp_option common_options[] = {
	{NULL, 0, NULL, 0, "Common options:", 50},
	{"seed", KEY_SEED, "N", 0, "seed of all randomness (default: a new one, printed)", 50},
	{"json", KEY_JSON, "FILE", 0, "write results as JSON; '-' is stdout, and then nothing else goes there", 50},
	{"junit", KEY_JUNIT, "FILE", 0, "write results as JUnit XML", 50},
	{"sarif", KEY_SARIF, "FILE", 0, "write findings as SARIF 2.1.0, for code scanning", 50},
	{"color", KEY_COLOR, "WHEN", 0, "auto, always or never (NO_COLOR is respected)", 50},
	{"shard", KEY_SHARD, "I/N", 0, "do part I of N (from 1); 'auto' reads the scheduler's variables", 50},
	{"quiet", 'q', NULL, 0, "only results and errors", 50},
	{"verbose", 'v', NULL, 0, "more detail", 50},
	{0},
};

struct common common_defaults(void)
{
	struct common common = {.color = "auto", .shard = 1, .shards = 1};
	/* A seed that prints short enough to be typed again. */
	uint32_t seed;
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		seed = (uint32_t)getpid();
	common.seed = seed;
	return common;
}

static void parse_shard(struct common *common, const char *text)
{
	if (strcmp(text, "auto") == 0) {
		shard_from_environment(common);
		return;
	}
	unsigned index = 0, total = 0;
	int used = 0;
	if (sscanf(text, "%9u/%9u%n", &index, &total, &used) != 2 || text[used] || index < 1 || index > total) {
		complain("--shard: '%s' is not I/N with 1 <= I <= N", text);
		exit(EXIT_USAGE);
	}
	common->shard = index;
	common->shards = total;
}

/* Results that could not be written at the end would cost the whole run: the folder is looked at first; and the file, where it is to be
 * APPENDED to. */
static void check_file(const char *option, const char *path, bool appended)
{
	struct stat info;
	char *copy = strdup(path);
	if (!copy || strcmp(path, "-") == 0) {
		free(copy);
		return;
	}
	const char *folder = dirname(copy), *why = NULL;
	const bool there = stat(path, &info) == 0;
	if (there && S_ISDIR(info.st_mode))
		why = strerror(EISDIR);
	else if (!*path)
		why = "it has no name";
	else if ((there && appended ? access(path, W_OK) : access(folder, W_OK | X_OK)) != 0)
		why = strerror(errno);
	if (why) {
		complain("%s: '%s': cannot be written: %s; name a file in a folder that you may write to", option, path, why);
		exit(EXIT_USAGE);
	}
	free(copy);
}

static void check_output(const char *option, const char *path)
{
	check_file(option, path, false);
}

const char *appended_file(const char *option, const char *path)
{
	check_file(option, path, true);
	return path;
}

const char *output_file(const char *option, const char *path)
{
	if (strcmp(path, "-") == 0) {
		complain("%s: '-': stdout is taken; name a file", option);
		exit(EXIT_USAGE);
	}
	check_output(option, path);
	return path;
}

static error_t common_parse(int key, char *arg, struct argp_state *state)
{
	struct common *common = state->input;
	switch (key) {
	case KEY_SEED:
		common->seed = parse_number("--seed", arg, 0, UINT64_MAX >> 1);
		common->seed_given = true;
		return 0;
	case KEY_JSON:
		check_output("--json", arg);
		common->json = arg;
		return 0;
	case KEY_JUNIT:
		common->junit = output_file("--junit", arg);
		return 0;
	case KEY_SARIF:
		common->sarif = output_file("--sarif", arg);
		return 0;
	case KEY_COLOR:
		if (strcmp(arg, "auto") != 0 && strcmp(arg, "always") != 0 && strcmp(arg, "never") != 0) {
			complain("--color: '%s' is not auto, always or never", arg);
			exit(EXIT_USAGE);
		}
		common->color = arg;
		return 0;
	case KEY_SHARD:
		parse_shard(common, arg);
		return 0;
	case 'q':
		common->verbosity = -1;
		return 0;
	case 'v':
		common->verbosity = 1;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp common_argp = {common_options, common_parse, NULL, NULL, NULL, NULL, NULL};

bool use_color(const struct common *common, int fd)
{
	if (strcmp(common->color, "auto") != 0)
		return strcmp(common->color, "always") == 0;
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	return !(no_color && *no_color) && isatty(fd) && !(term && strcmp(term, "dumb") == 0);
}

uint64_t parse_number(const char *option, const char *text, uint64_t min, uint64_t max)
{
	char *end;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number < min || number > max) {
		complain("%s: '%s' is not a whole number from %llu to %llu", option, text, (unsigned long long)min,
			(unsigned long long)max);
		exit(EXIT_USAGE);
	}
	return number;
}

double parse_fraction(const char *option, const char *text, double min, double max)
{
	char *end;
	errno = 0;
	double number = strtod(text, &end);
	/* NaN fails both comparisons. */
	if (end == text || *end || errno || !(number >= min && number <= max)) {
		complain("%s: '%s' is not a number from %g to %g", option, text, min, max);
		exit(EXIT_USAGE);
	}
	return number;
}

/* Edits (Levenshtein) between two short names. */
static size_t distance(const char *a, const char *b)
{
	enum { LONGEST = 63 };
	size_t la = strnlen(a, LONGEST), lb = strnlen(b, LONGEST), row[LONGEST + 1];
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[lb];
}

const struct registered *parse_implementation(const char *option, enum family family, const char *name)
{
	const char *prefix = family_name(family);
	size_t length = strlen(prefix);
	if (strncmp(name, prefix, length) == 0 && name[length] == '/')
		name += length + 1;
	const struct registered *found = registry_find(family, name);
	if (found)
		return found;
	const char *nearest = "";
	size_t best = SIZE_MAX;
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct implementation *about = onceproof_registry[i].about;
		if (about->family != family)
			continue;
		size_t edits = distance(name, about->name);
		if (edits < best) {
			best = edits;
			nearest = about->name;
		}
	}
	complain("%s: there is no %s '%s'; the nearest is '%s' ('onceproof list' shows all)", option, prefix, name, nearest);
	exit(EXIT_USAGE);
}

bool filter_matches(char *const *globs, size_t count, const char *subject, const char *scenario)
{
	char whole[256];
	snprintf(whole, sizeof whole, "%s/%s", subject, scenario);
	for (size_t i = 0; i < count; i++)
		if (fnmatch(globs[i], subject, FNM_PATHNAME) == 0 || fnmatch(globs[i], whole, FNM_PATHNAME) == 0)
			return true;
	return count == 0;
}

int command_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	argp_err_exit_status = EXIT_USAGE;
	return argp_parse(argp, argc, argv, 0, NULL, input);
}

const char *helper_folder(void)
{
	static char folder[PATH_MAX + 32];
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	if (length < 0) {
		complain("cannot find this program's own folder: %s; is /proc mounted?", strerror(errno));
		exit(EXIT_USAGE);
	}
	self[length] = '\0';
	const char *own = dirname(self);
	snprintf(folder, sizeof folder, "%s/../libexec/onceproof", own);
	/* An installation may have its folders elsewhere, relative to the program's own. */
	if (access(folder, X_OK) != 0)
		snprintf(folder, sizeof folder, "%s/%s", own, ONCEPROOF_HELPERS);
	if (access(folder, X_OK) != 0) {
		complain("%s: %s; is onceproof installed completely?", folder, strerror(errno));
		exit(EXIT_USAGE);
	}
	return folder;
}

char *helper_program(const char *name)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%s", helper_folder(), name) < 0) {
		complain("%s: out of memory", name);
		exit(EXIT_USAGE);
	}
	return path;
}
