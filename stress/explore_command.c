/* SPDX-License-Identifier: MIT */
#include "explore_command.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../impl/contract.h"
#include "explore/amend.h"
#include "explore/crash.h"
#include "explore/orders.h"
#include "explore/snapshot.h"

static void show_progress(void *arg, uint64_t executions, uint64_t distinct, double estimate)
{
	(void)arg;
	fprintf(stderr, "progress %llu %llu %.0f\n", (unsigned long long)executions, (unsigned long long)distinct, estimate);
}

static const struct argp_option options[] = {
	{"model", 'm', "sc|rc11", 0, "memory model (default rc11)", 0},
	{"strategy", 'S', "NAME", 0, "auto, or a search's name", 0},
	{"executions", 'n', "N", 0, "budget (default 20000)", 0},
	{"seed", 's', "N", 0, "seed of everything (default 1)", 0},
	{"time-limit", 't', "SECONDS", 0, "stop after this time", 0},
	{"shard", 'I', "I/N", 0, "explore this part only", 0},
	{"jobs", 'j', "N", 0, "processes at once; the results are the same (default 1)", 0},
	{"option", 'o', "KEY=VALUE", 0, "option of the search", 0},
	{"journal", 'J', "FD", 0, "a socket for what was done (explore/journal.h)", 0},
	{"journal-every", 'E', "SECONDS", 0, "how often something is told there", 0},
	{"first", 'f', NULL, 0, "stop at the first finding", 0},
	{"progress", 'p', NULL, 0, "lines of progress on stderr", 0},
	{"orders", 'O', NULL, 0, "tell which orders the program names, as `orders` of the answer", 0},
	{"weaken", 'W', "SITE=ORDER[,FAILED]", 0, "an atomic operation behaves as if it named this order (see explore/orders.h)",
		0},
	{"atomic", 'A', "SITE=ORDER[,SITE]", 0, "a plain access behaves as an atomic one (see explore/amend.h)", 0},
	{"lock", 'G', "LOCK=FROM-TO[,FROM-TO...]", 0, "code is under a lock (likewise)", 0},
	{"replay", 'r', "FILE", 0, "repeat the schedule of a witness", 0},
	{0},
};

static bool parse_shard(const char *text, struct explore_options *o)
{
	char rest;
	return sscanf(text, "%u/%u%c", &o->shard, &o->shards, &rest) == 2 && o->shard >= 1 && o->shard <= o->shards;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct explore_command *a = state->input;
	char *end = NULL;
	switch (key) {
	case 'm':
		if (strcmp(arg, "sc") != 0 && strcmp(arg, "rc11") != 0)
			argp_error(state, "the model is sc or rc11, not '%s'", arg);
		a->explore.model = strcmp(arg, "sc") == 0 ? MODEL_SC : MODEL_RC11;
		break;
	case 'S':
		a->explore.strategy = arg;
		break;
	case 'n':
		a->explore.executions = strtoull(arg, &end, 10);
		break;
	case 's':
		a->explore.seed = strtoull(arg, &end, 10);
		break;
	case 't':
		a->explore.time_limit_s = strtod(arg, &end);
		break;
	case 'I':
		if (!parse_shard(arg, &a->explore))
			argp_error(state, "a shard is I/N with 1 <= I <= N, not '%s'", arg);
		break;
	case 'j':
		a->explore.jobs = (unsigned)strtoul(arg, &end, 10);
		break;
	case 'o':
		if (a->word_count == EXPLORE_COMMAND_WORDS_MAX)
			argp_error(state, "too many options of the search");
		a->words[a->word_count++] = arg;
		break;
	case 'J':
		a->explore.journal_fd = (int)strtol(arg, &end, 10);
		break;
	case 'E':
		a->explore.journal_every_s = strtod(arg, &end);
		break;
	case 'f':
		a->explore.first_only = true;
		break;
	case 'p':
		a->explore.progress = show_progress;
		break;
	case 'O':
		if (orders_watch() != 0)
			argp_error(state, "no memory for the orders");
		a->orders = true;
		break;
	case 'W':
		if (orders_weaken_text(arg) != 0)
			argp_error(state, "'%s' is not SITE=ORDER", arg);
		break;
	case 'A':
		if (amend_atomic_text(arg) != 0)
			argp_error(state, "'%s' is not SITE=ORDER[,SITE]", arg);
		break;
	case 'G':
		if (amend_lock_text(arg) != 0)
			argp_error(state, "'%s' is not LOCK=FROM-TO", arg);
		break;
	case 'r':
		a->replay = arg;
		break;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			a->subject = arg;
		else if (state->arg_num == 1)
			a->scenario = arg;
		else
			argp_usage(state);
		break;
	case ARGP_KEY_END:
		if (!a->scenario)
			argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (end && (end == arg || *end))
		argp_error(state, "'%s' is not a number", arg);
	return 0;
}

void explore_command_parse(struct explore_command *c, int argc, char **argv, const char *program, const char *doc)
{
	*c = (struct explore_command){.program = program,
		.explore = {.model = MODEL_RC11,
			.strategy = "auto",
			.seed = 1,
			.executions = 20000,
			.shard = 1,
			.shards = 1,
			.symmetry = false,
			.minimise = true}};
	const struct argp argp = {options, parse, "SUBJECT SCENARIO", doc, NULL, NULL, NULL};
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, c);
	c->explore.search_options = c->words;
}

const struct registered *explore_command_find(const char *subject)
{
	const char *slash = strchr(subject, '/');
	for (int family = 0; slash && family < FAMILY_COUNT; family++) {
		const char *name = family_name((enum family)family);
		if (strlen(name) == (size_t)(slash - subject) && strncmp(name, subject, strlen(name)) == 0)
			return registry_find((enum family)family, slash + 1);
	}
	return NULL;
}

/* The program's static data, which is put back after each execution. The runtime is started before: its pointers stay. */
static int snapshot_program(enum memory_model model)
{
	extern char __data_start[], _end[];
	const struct runtime_options start = {.model = model, .steps_max = 10000};
	int why = runtime_start(&start);
	if (!why)
		why = crash_start();
	return why ? why : snapshot_start(&(struct snapshot_range){(uintptr_t)__data_start, (uintptr_t)_end}, 1);
}

/* What a user's implementation refers to that nobody stands in for: written beside it by program_build.c, as for programs. */
extern const char explored_notes[] __attribute__((weak));

static void add_notes(json_t *answer)
{
	for (const char *note = explored_notes; note && *note; note += strlen(note) + 1) {
		const char *before = json_string_value(json_object_get(answer, "caveat"));
		bool more = before && *before;
		json_object_set_new(answer, "caveat",
			json_sprintf("%s%soutside of its control: %s", more ? before : "", more ? "; " : "", note));
	}
}

void explore_command_finish(const struct explore_command *c, json_t *answer, const char *skip)
{
	if (answer && skip)
		json_object_set_new(answer, "skip", json_string(skip));
	if (!answer || json_dumpf(answer, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF || fflush(stdout) != 0) {
		fprintf(stderr, "%s: cannot write the result: %s\n", c->program, strerror(errno));
		_Exit(2);
	}
	/* Parked threads lend their storage until the end: no destructors. */
	_Exit(skip ? 77 : 0);
}

_Noreturn static void replay(const struct explore_command *c, const struct explore_program *program)
{
	struct schedule schedule = {0};
	char why[256];
	if (explore_read_witness(c->replay, &schedule, why, sizeof why) != 0) {
		fprintf(stderr, "%s: %s: %s\n", c->program, c->replay, why);
		_Exit(2);
	}
	uint32_t diverged;
	enum ending how = explore_replay(program, &c->explore, &schedule, &diverged);
	explore_command_finish(c, explore_replay_answer(program, &c->explore, how, diverged), NULL);
}

void explore_command_run(
	const struct explore_command *c, const struct explore_program *program, const char *(*refused)(void *arg))
{
	int why = snapshot_program(c->explore.model);
	if (why) {
		fprintf(stderr, "%s: cannot start: %s\n", c->program, strerror(why));
		_Exit(2);
	}
	if (c->replay)
		replay(c, program);
	struct explore_result result;
	why = explore(program, &c->explore, &result);
	if (why) {
		fprintf(stderr, "%s: cannot explore: %s\n", c->program, strerror(why));
		_Exit(2);
	}
	json_t *answer = explore_answer(program, &c->explore, &result);
	add_notes(answer);
	if (c->orders)
		json_object_set_new(answer, "orders", orders_answer());
	explore_command_finish(c, answer, refused ? refused(program->arg) : NULL);
}
