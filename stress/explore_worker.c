/* SPDX-License-Identifier: MIT */
/* The explorer's worker: one scenario on one subject, explored in a process of its own. Prints one JSON object on stdout
 * (explore/answer.c has its shape). Exit status: 0 done, 2 misuse, 77 skipped (`skip` says why).
 */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explore/crash.h"
#include "explore/explore.h"
#include "explore/orders.h"
#include "explore/snapshot.h"
#include "native/run.h"

enum { WORDS_MAX = 16 };

struct arguments {
	const char *subject, *scenario, *replay;
	struct explore_options explore;
	const char *words[WORDS_MAX + 1];
	unsigned word_count;
	bool progress, orders;
};

static const struct argp_option options[] = {
	{"model", 'm', "sc|rc11", 0, "memory model (default rc11)", 0},
	{"strategy", 'S', "NAME", 0, "auto, or a search's name", 0},
	{"executions", 'n', "N", 0, "budget (default 20000)", 0},
	{"seed", 's', "N", 0, "seed of everything (default 1)", 0},
	{"time-limit", 't', "SECONDS", 0, "stop after this time", 0},
	{"shard", 'I', "I/N", 0, "explore this part only", 0},
	{"option", 'o', "KEY=VALUE", 0, "option of the search", 0},
	{"first", 'f', NULL, 0, "stop at the first finding", 0},
	{"progress", 'p', NULL, 0, "lines of progress on stderr", 0},
	{"orders", 'O', NULL, 0, "tell which orders the program names, as `orders` of the answer", 0},
	{"weaken", 'W', "SITE=ORDER[,FAILED]", 0, "an atomic operation behaves as if it named this order (see explore/orders.h)",
		0},
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
	struct arguments *a = state->input;
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
	case 'o':
		if (a->word_count == WORDS_MAX)
			argp_error(state, "too many options of the search");
		a->words[a->word_count++] = arg;
		break;
	case 'f':
		a->explore.first_only = true;
		break;
	case 'p':
		a->progress = true;
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

static const struct registered *find_subject(const char *subject)
{
	const char *slash = strchr(subject, '/');
	for (int family = 0; slash && family < FAMILY_COUNT; family++) {
		const char *name = family_name((enum family)family);
		if (strlen(name) == (size_t)(slash - subject) && strncmp(name, subject, strlen(name)) == 0)
			return registry_find((enum family)family, slash + 1);
	}
	return NULL;
}

/* The scenario as a program: set-up, one thread for each actor, joins, check. */
struct stage {
	const struct scenario *scenario;
	struct execution x;
	struct actor {
		struct stage *stage;
		unsigned number, thread;
	} actor[SCENARIO_ACTORS_MAX];
	int refused;      /* what set-up said */
	unsigned outcome; /* UINT32_MAX: none */
};

static void *act(void *arg)
{
	struct actor *actor = arg;
	actor->stage->scenario->actor[actor->number](&actor->stage->x);
	return NULL;
}

static bool has_ended(void *arg, event_id *from)
{
	const struct actor *actor = arg;
	*from = runtime->thread[actor->thread].end;
	return runtime->thread[actor->thread].ended;
}

static void body(void *arg)
{
	struct stage *stage = arg;
	const struct scenario *scenario = stage->scenario;
	stage->outcome = UINT32_MAX;
	stage->refused = scenario->setup(&stage->x);
	if (stage->refused)
		return;
	for (unsigned a = 0; a < scenario->actor_count; a++)
		stage->actor[a].thread = runtime_create(act, &stage->actor[a], (const void *)scenario->actor[a]);
	for (unsigned a = 0; a < scenario->actor_count; a++)
		runtime_wait(STEP_THREAD_JOIN, (const void *)scenario->actor[a], has_ended, NULL, &stage->actor[a]);
	stage->outcome = scenario->check(&stage->x);
}

static void reset(void *arg)
{
	struct stage *stage = arg;
	stage->outcome = UINT32_MAX;
	memset(stage->x.local, 0, stage->scenario->local_bytes);
}

static unsigned outcome(void *arg)
{
	return ((const struct stage *)arg)->outcome;
}

static bool forbidden(void *arg, unsigned index)
{
	const struct stage *stage = arg;
	return outcome_grade(&stage->scenario->outcomes[index], stage->x.subject) == GRADE_FORBIDDEN;
}

static const char *label(void *arg, unsigned index)
{
	return ((const struct stage *)arg)->scenario->outcomes[index].label;
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

static void show_progress(void *arg, uint64_t executions, uint64_t distinct, double estimate)
{
	(void)arg;
	fprintf(stderr, "progress %llu %llu %.0f\n", (unsigned long long)executions, (unsigned long long)distinct, estimate);
}

/* Prints ANSWER and ends. SKIP: why nothing was explored, or NULL. */
_Noreturn static void finish(json_t *answer, const char *skip)
{
	if (answer && skip)
		json_object_set_new(answer, "skip", json_string(skip));
	if (!answer || json_dumpf(answer, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF || fflush(stdout) != 0) {
		fprintf(stderr, "onceproof-explore: cannot write the result: %s\n", strerror(errno));
		_Exit(2);
	}
	/* Parked threads lend their storage until the end: no destructors. */
	_Exit(skip ? 77 : 0);
}

_Noreturn static void replay(const struct arguments *a, const struct explore_program *program)
{
	struct schedule schedule = {0};
	char why[256];
	if (explore_read_witness(a->replay, &schedule, why, sizeof why) != 0) {
		fprintf(stderr, "onceproof-explore: %s: %s\n", a->replay, why);
		_Exit(2);
	}
	uint32_t diverged;
	enum ending how = explore_replay(program, &a->explore, &schedule, &diverged);
	finish(explore_replay_answer(program, &a->explore, how, diverged), NULL);
}

int main(int argc, char **argv)
{
	struct arguments a = {.explore = {.model = MODEL_RC11,
				      .strategy = "auto",
				      .seed = 1,
				      .executions = 20000,
				      .shard = 1,
				      .shards = 1,
				      .symmetry = false,
				      .minimise = true}};
	const struct argp argp = {
		options, parse, "SUBJECT SCENARIO", "Explores one scenario on one implementation.", NULL, NULL, NULL};
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	a.explore.search_options = a.words;
	a.explore.progress = a.progress ? show_progress : NULL;

	const struct registered *subject = find_subject(a.subject);
	const struct scenario *scenario = subject ? scenario_find(subject->about->family, a.scenario) : NULL;
	if (!scenario || !scenario_applies(scenario, subject->about) || scenario->script) {
		fprintf(stderr, "onceproof-explore: no scenario of threads '%s' for '%s'\n", a.scenario, a.subject);
		return 2;
	}
	struct stage stage = {.scenario = scenario};
	int why = execution_allocate(&stage.x, scenario, subject->about);
	for (unsigned n = 0; n < SCENARIO_ACTORS_MAX; n++)
		stage.actor[n] = (struct actor){.stage = &stage, .number = n};
	struct explore_program program = {.reset = reset,
		.body = body,
		.outcome = outcome,
		.forbidden = forbidden,
		.label = label,
		.outcome_count = scenario->outcome_count,
		.arg = &stage};
	if (!why)
		why = snapshot_program(a.explore.model);
	if (why) {
		fprintf(stderr, "onceproof-explore: cannot start: %s\n", strerror(why));
		return 2;
	}
	if (a.replay)
		replay(&a, &program);
	struct explore_result result;
	why = explore(&program, &a.explore, &result);
	if (why) {
		fprintf(stderr, "onceproof-explore: cannot explore: %s\n", strerror(why));
		return 2;
	}
	json_t *answer = explore_answer(&program, &a.explore, &result);
	if (a.orders)
		json_object_set_new(answer, "orders", orders_answer());
	finish(answer, stage.refused ? strerror(stage.refused) : NULL);
}
