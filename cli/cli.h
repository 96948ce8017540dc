/* SPDX-License-Identifier: MIT */
/* The front door: one file per subcommand (command_NAME.c), found by the build; options that all share. */
#ifndef ONCEPROOF_CLI_H
#define ONCEPROOF_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../impl/contract.h"
#include "../impl/support/say.h"

/* A subcommand. run() gets argv[0] = "onceproof NAME", parses with argp and returns an exit status (impl/support/say.h). */
struct command {
	const char *name;
	const char *summary; /* one line for `onceproof --help`, in lower case, without a full stop */
	int (*run)(int argc, char **argv);
};

/* All subcommands, by name; the build generates the table. */
extern const struct command *const commands[];
extern const size_t command_count;

/* Options that every command takes. Use: `struct common common = COMMON_DEFAULTS;`, children = {{&common_argp, 0, NULL, 0}, {0}} and
 * state->child_inputs[0] = &common in the ARGP_KEY_INIT case. */
struct common {
	uint64_t seed; /* chosen from the system's randomness when not given; print it always */
	bool seed_given;
	const char *json;       /* --json FILE, "-" is stdout; NULL: none */
	const char *junit;      /* --junit FILE or NULL */
	const char *sarif;      /* --sarif FILE or NULL */
	const char *color;      /* "auto", "always" or "never" */
	unsigned shard, shards; /* --shard I/N, one-based; 1/1 when not given */
	int verbosity;          /* -q: -1, default 0, -v: 1 */
};
extern const struct argp common_argp;
struct common common_defaults(void);

/* --shard=auto: sets shard and shards as the scheduler that runs this process says, and tells on stderr which one that was. Exits with 2
 * if none says anything, or two say different things. */
void shard_from_environment(struct common *common);

/* True when text on STREAM's descriptor FD may be coloured: --color, NO_COLOR and whether it is a terminal. */
bool use_color(const struct common *common, int fd);

/* Parses a whole number in MIN..MAX; on anything else complains ("--workers: 'x' is not a number from 1 to 4096") and exits with 2. */
uint64_t parse_number(const char *option, const char *text, uint64_t min, uint64_t max);

/* The same for a decimal fraction. */
double parse_fraction(const char *option, const char *text, double min, double max);

/* PATH, a file that OPTION is to write, when that can be done; else ("-" too) complains and exits with 2. */
const char *output_file(const char *option, const char *path);

/* PATH, a file to whose end OPTION is to write ("-": stdout), when that can be done; else complains and exits with 2. */
const char *appended_file(const char *option, const char *path);

/* The implementation NAME of FAMILY ("mutex" or "counter/mutex"); if there is none, complains with the nearest name and exits with 2. */
const struct registered *parse_implementation(const char *option, enum family family, const char *name);

/* Does "family/name" or "family/name/scenario" match one of the globs? A glob without a third part matches every scenario; no globs
 * match everything. */
bool filter_matches(char *const *globs, size_t count, const char *subject, const char *scenario);

/* argp parser shared by all commands: flags for argp_parse, and exit status 2 on misuse. */
int command_parse(const struct argp *argp, int argc, char **argv, void *input);

/* The folder of the helper programs, libexec/onceproof beside this one; static storage. */
const char *helper_folder(void);

/* Path of one of them; the caller frees it. */
char *helper_program(const char *name);

#endif
