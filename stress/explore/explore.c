/* SPDX-License-Identifier: MIT */
/* The driver: executions under a search, their findings told apart, their behaviours and outcomes counted.
 *
 * When a race is found, the racing plain accesses are steps of all later executions (races_promote). A search that enumerates has then
 * enumerated executions of another shape: it starts again, and what it had done counts as abandoned.
 */
#include "exploring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	STEPS_MAX_DEFAULT = 10000,
	SAMPLED_STEPS_MAX = 40000, /* the greater part by turns, so that an end comes where there is one */
	TURNS_MAX = 20000000,
	HOPELESS = 64,          /* executions that were all cut: no other will come to its end either */
	LEAST_EXECUTIONS = 200, /* whatever steps_in_all says */
	BETWEEN_CLOCKS = 32,    /* executions */
	BETWEEN_PROGRESS = 512,
	BETWEEN_FORKS = 256,
};

/* One execution ---------------------------------------------------------------------------------------------------------------------- */

int explore_configure(const struct explore_options *options, bool full)
{
	const struct runtime_options wanted = {
		.model = options->model,
		.full_graph = full,
		.steps_max = options->steps_max ? options->steps_max
			     : full             ? STEPS_MAX_DEFAULT
						: SAMPLED_STEPS_MAX,
		.turns_max = TURNS_MAX,
		.spurious = options->spurious,
		.races_end = options->races_end,
		.leaks = !options->no_leaks,
	};
	return runtime_start(&wanted);
}

enum ending explore_execute(const struct explore_program *program, struct search *search)
{
	if (program->reset)
		program->reset(program->arg);
	enum ending how = runtime_execute(search, program->body, program->arg);
	if (search->kind->end)
		search->kind->end(search, &runtime->moment, how);
	return how;
}

bool explore_forbidden(const struct explore_program *program, enum ending how, struct finding *finding, unsigned *outcome)
{
	*outcome = UINT32_MAX;
	if (how != ENDING_COMPLETE || !program->outcome)
		return false;
	unsigned shown = program->outcome(program->arg);
	if (shown >= program->outcome_count)
		return false;
	*outcome = shown;
	if (!program->forbidden || !program->forbidden(program->arg, shown))
		return false;
	const char *label = program->label ? program->label(program->arg, shown) : NULL;
	*finding = (struct finding){.kind = FINDING_FORBIDDEN_OUTCOME,
		.outcome = shown,
		.after_race = runtime->raced,
		.key = 0xf0b1dde000000000u + shown};
	snprintf(finding->message, sizeof finding->message, "%s", label ? label : "a forbidden outcome");
	return true;
}

/* Changes when executions get another shape, so that what was enumerated before is void. */
static uint64_t shape(void)
{
	return races_promotions() + runtime->reshaped;
}

/* Findings --------------------------------------------------------------------------------------------------------------------------- */

static void no_memory(struct exploration *x)
{
	x->no_memory = x->stopped = true;
}

/* Notes FINDING of the execution that just ended, which is number FIRST. */
static void note_finding(struct exploration *x, const struct finding *finding, uint64_t first)
{
	struct explore_result *result = x->result;
	for (unsigned i = 0; i < result->finding_count; i++)
		if (result->findings[i].finding.key == finding->key) {
			result->findings[i].executions++;
			return;
		}
	if (result->finding_count == FINDINGS_KEPT_MAX)
		return;
	struct explored_finding *more = realloc(result->findings, (result->finding_count + 1) * sizeof *more);
	if (!more) {
		no_memory(x);
		return;
	}
	result->findings = more;
	struct explored_finding *found = &more[result->finding_count++];
	*found = (struct explored_finding){.finding = *finding, .executions = 1, .first = first};
	if (!schedule_take(&found->schedule))
		no_memory(x);
	x->stopped |= x->options->first_only;
}

static void note_divergence(struct exploration *x, struct phase *phase, uint64_t first)
{
	struct finding finding = {.kind = FINDING_NONDETERMINISM, .outcome = UINT32_MAX, .key = 0xd1e59e0000000000u};
	snprintf(finding.message, sizeof finding.message,
		"the same schedule led another way: the program depends on something that is not under control");
	phase->diverged = true;
	x->result->diverged++;
	note_finding(x, &finding, first);
}

static void note_uncontrolled(struct exploration *x)
{
	const char *const *names;
	unsigned count = runtime_uncontrolled_names(&names);
	for (unsigned i = 0; i < count; i++) {
		unsigned known = 0;
		while (known < x->uncontrolled_count && strcmp(x->uncontrolled[known], names[i]) != 0)
			known++;
		if (known == x->uncontrolled_count && known < UNCONTROLLED_MAX)
			x->uncontrolled[x->uncontrolled_count++] = names[i];
	}
}

/* Phases ------------------------------------------------------------------------------------------------------------------------------ */

static int set_options(struct search *search, const char *const *options)
{
	char key[64];
	for (; options && *options; options++) {
		const char *equals = strchr(*options, '=');
		size_t length = equals ? (size_t)(equals - *options) : 0;
		if (!equals || length >= sizeof key)
			return EINVAL;
		memcpy(key, *options, length);
		key[length] = '\0';
		int why = search_option(search, key, equals + 1);
		if (why)
			return why;
	}
	return 0;
}

static int open_search(struct exploration *x, struct phase *phase)
{
	const struct explore_options *o = x->options;
	phase->search = search_open(phase->kind, o->seed, o->shard, o->shards);
	if (!phase->search)
		return ENOMEM;
	phase->search->threads_hint = x->threads_hint;
	phase->search->steps_hint = x->steps_hint;
	/* Not every search knows of symmetry. */
	if (o->symmetry)
		search_option(phase->search, "symmetry", "on");
	return set_options(phase->search, phase->options);
}

int phase_open(struct exploration *x, struct phase *phase, const struct search_kind *kind, const char *const *options)
{
	*phase = (struct phase){.kind = kind, .options = options};
	int why = open_search(x, phase);
	if (why) {
		search_close(phase->search);
		phase->search = NULL;
	}
	return why;
}

static void phase_forget(struct phase *phase)
{
	phase->executions = phase->blocked = phase->cut = 0;
	memset(phase->outcomes, 0, sizeof phase->outcomes);
	phase->ended = phase->diverged = false;
}

/* A race was found: the search begins again, on executions of the new shape. A sampler keeps what it counted. */
static void phase_restart(struct exploration *x, struct phase *phase)
{
	struct explore_result *result = x->result;
	behaviours_clear(&x->behaviours);
	if (phase->kind->exhausts) {
		result->executions -= phase->executions;
		result->blocked -= phase->blocked;
		result->cut -= phase->cut;
		result->abandoned += phase->executions + phase->blocked + phase->cut;
		for (unsigned i = 0; i < EXPLORE_OUTCOMES_MAX; i++)
			result->outcomes[i] -= phase->outcomes[i];
		phase->number = 0;
	}
	search_close(phase->search);
	phase->search = NULL;
	phase_forget(phase);
	if (open_search(x, phase) != 0)
		no_memory(x);
}

/* The number of the phase's next execution in the order that all shards share, from 1. */
static uint64_t shared_number(const struct exploration *x, const struct phase *phase)
{
	if (phase->kind->independent)
		return x->order + (phase->number - phase->number_before) + 1;
	return x->order + (phase->runs - phase->runs_before) * x->options->shards + x->options->shard;
}

bool exploration_add_behaviour(struct exploration *x, uint64_t hash)
{
	uint32_t before = x->behaviours.count;
	unsigned sampling = x->behaviours.sampling;
	if (!behaviours_add(&x->behaviours, hash))
		return false;
	if (x->behaviours.count != before || x->behaviours.sampling != sampling)
		journal_behaviour(x, hash);
	return true;
}

static void count_ending(struct exploration *x, struct phase *phase, enum ending how, unsigned outcome)
{
	struct explore_result *result = x->result;
	switch (how) {
	case ENDING_COMPLETE:
	case ENDING_FINDING:
		result->executions++;
		phase->executions++;
		if (!exploration_add_behaviour(x, graph_hash(runtime->graph)))
			no_memory(x);
		break;
	case ENDING_BLOCKED:
		result->blocked++;
		phase->blocked++;
		break;
	case ENDING_CUT:
		result->cut++;
		phase->cut++;
		break;
	case ENDING_ABANDONED:
	case ENDING_DIVERGED:
		break;
	}
	if (outcome < EXPLORE_OUTCOMES_MAX) {
		result->outcomes[outcome]++;
		phase->outcomes[outcome]++;
	}
}

/* Looks at the execution that just ended; returns whether it counts. */
static bool note_execution(struct exploration *x, struct phase *phase, enum ending how)
{
	struct finding forbidden;
	unsigned outcome;
	uint64_t number = shared_number(x, phase);
	note_uncontrolled(x);
	x->seq_cst |= runtime->graph->sc_events != 0;
	bool astray = how == ENDING_DIVERGED || phase->search->diverged;
	if (astray && shape() == x->promotions)
		note_divergence(x, phase, number);
	/* What an execution shows that does not count is another one's to tell; one that was given up may be no execution at all. */
	if (phase->search->repeated || astray || how == ENDING_ABANDONED) {
		x->result->abandoned++;
		return false;
	}
	bool is_forbidden = explore_forbidden(x->program, how, &forbidden, &outcome);
	for (unsigned i = 0; i < runtime->findings; i++)
		note_finding(x, &runtime->finding[i], number);
	if (is_forbidden)
		note_finding(x, &forbidden, number);
	count_ending(x, phase, how, outcome);
	return true;
}

void phase_step(struct exploration *x, struct phase *phase)
{
	runtime->moment.execution = phase->number;
	if (!phase->kind->begin(phase->search, &runtime->moment)) {
		phase->ended = true;
		return;
	}
	enum ending how = explore_execute(x->program, phase->search);
	x->turns++;
	bool counts = note_execution(x, phase, how);
	x->wasted = counts ? 0 : x->wasted + 1;
	if (counts) {
		x->spent++;
		phase->runs++;
		phase->number++;
	}
	if (shape() != x->promotions) {
		x->promotions = shape();
		phase_restart(x, phase);
	}
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The clock only stops a search; nothing else is decided by it. */
void exploration_look_at_clock(struct exploration *x, bool closely)
{
	const struct explore_options *o = x->options;
	bool over = o->stop && *o->stop;
	if (closely && o->time_limit_s > 0)
		over |= now() - x->started >= o->time_limit_s;
	if (over)
		x->result->out_of_time = x->stopped = true;
}

static void look_at_clock(struct exploration *x, const struct phase *phase, uint64_t turn)
{
	const struct explore_options *o = x->options;
	exploration_look_at_clock(x, turn % BETWEEN_CLOCKS == 0);
	if (o->progress && turn % BETWEEN_PROGRESS == BETWEEN_PROGRESS - 1)
		o->progress(o->progress_arg, x->result->executions + x->result->blocked, behaviours_count(&x->behaviours),
			phase_estimate(phase));
}

void phase_run(struct exploration *x, struct phase *phase, uint64_t executions)
{
	const struct explore_options *o = x->options;
	bool independent = phase->kind->independent, endless = executions >= UINT64_MAX / 2;
	/* Samplers number the executions of all shards; the others have their own. */
	uint64_t share = endless ? UINT64_MAX : (executions + o->shards - o->shard) / o->shards;
	uint64_t end = endless ? UINT64_MAX : phase->number + executions;
	x->wasted = 0;
	x->alone = 0;
	phase->runs_before = phase->runs;
	phase->number_before = phase->number;
	if (explore_configure(o, phase->kind->full_graph) != 0)
		no_memory(x);
	journal_begin(x, phase);
	for (uint64_t turn = 0; !x->stopped && !phase->ended && x->wasted <= WASTED_MAX; turn++) {
		if (journal_take(x, phase)) {
			exploration_look_at_clock(x, true);
			continue;
		}
		while (independent && phase->number % o->shards != o->shard - 1)
			phase->number++;
		if (independent ? phase->number >= end : phase->runs - phase->runs_before >= share)
			break;
		uint64_t turns = x->turns;
		phase_step(x, phase);
		x->stopped |= !x->result->executions && x->result->cut >= HOPELESS;
		journal_note(x, phase, x->turns - turns);
		look_at_clock(x, phase, turn);
		if (o->jobs > 1 && turn % BETWEEN_FORKS == BETWEEN_FORKS - 1)
			parallel_run(x, phase, independent ? end - phase->number : share - (phase->runs - phase->runs_before),
				BETWEEN_FORKS);
	}
	if (independent && !endless)
		phase->number = end;
	if (!endless)
		x->order += o->shards > 1 ? executions : phase->runs - phase->runs_before;
}

double phase_estimate(const struct phase *phase)
{
	return phase->search && phase->kind->estimate ? phase->kind->estimate(phase->search) : 0;
}

bool phase_exhausted(const struct exploration *x, const struct phase *phase, char *bound, size_t bytes)
{
	*bound = '\0';
	if (!phase->ended || !phase->kind->exhausts || phase->cut || phase->diverged || x->stopped)
		return false;
	if ((runtime->bounded_loops || runtime->left_out) && phase->kind->full_graph)
		return false;
	if (phase->kind != &search_bound)
		return true;
	/* Outside of full graphs, seq_cst operations under RC11 are explored in a part of their behaviours (graph_sources). */
	if (x->options->model == MODEL_RC11 && x->seq_cst)
		return false;
	search_bound_text(phase->search, bound, bytes);
	return true;
}

void phase_close(struct exploration *x, struct phase *phase)
{
	if (phase->search && phase->kind == &search_pct)
		for (unsigned depth = 1; depth <= 3; depth++) {
			double chance = search_pct_chance(phase->search, depth);
			x->pct_void |= chance < 0;
			x->missed[depth] *= 1 - (chance > 0 ? chance : 0);
		}
	search_close(phase->search);
	phase->search = NULL;
}

/* The whole --------------------------------------------------------------------------------------------------------------------------- */

/* One execution without preemptions, not counted: how many threads there are, how many steps, what races at once. */
static int survey(struct exploration *x)
{
	int why = explore_configure(x->options, false);
	if (why)
		return why;
	runtime_forget_races();
	runtime->bounded_loops = runtime->left_out = false;
	const struct schedule empty = {0};
	struct search *plain = search_replay(&empty, false);
	if (!plain)
		return ENOMEM;
	/* A second time with the races as steps, for the numbers. */
	for (int i = 0; i < 2; i++) {
		runtime->moment.execution = 0;
		plain->kind->begin(plain, &runtime->moment);
		explore_execute(x->program, plain);
	}
	x->threads_hint = x->result->threads = runtime->moment.threads;
	x->steps_hint = runtime->moment.steps;
	x->promotions = shape();
	search_close(plain);
	return 0;
}

/* One sum for each search, in the order in which they first ran. */
void plan_note(struct exploration *x, const char *name, uint64_t executions)
{
	char *plan = x->result->plan, rest[sizeof x->result->plan], pattern[40];
	size_t bytes = sizeof x->result->plan;
	snprintf(pattern, sizeof pattern, "%s ", name);
	char *at = plan;
	while ((at = strstr(at, pattern)) != NULL && at > plan && at[-1] != ' ')
		at++;
	if (!at) {
		size_t used = strlen(plan);
		snprintf(plan + used, bytes - used, "%s%s%llu", used ? ", " : "", pattern, (unsigned long long)executions);
		return;
	}
	at += strlen(pattern);
	char *end;
	uint64_t sum = strtoull(at, &end, 10) + executions;
	snprintf(rest, sizeof rest, "%s", end);
	snprintf(at, bytes - (size_t)(at - plan), "%llu%s", (unsigned long long)sum, rest);
}

static int explore_one(struct exploration *x, const struct search_kind *kind)
{
	struct phase phase;
	int why = phase_open(x, &phase, kind, x->options->search_options);
	if (why)
		return why;
	phase_run(x, &phase, x->budget ? x->budget : UINT64_MAX);
	x->result->exhausted = phase_exhausted(x, &phase, x->result->bound, sizeof x->result->bound);
	plan_note(x, kind->name, phase.runs);
	phase_close(x, &phase);
	return 0;
}

static void tell_caveat(const struct exploration *x)
{
	char *caveat = x->result->caveat;
	size_t bytes = sizeof x->result->caveat, used = 0;
	for (unsigned i = 0; i < x->uncontrolled_count && used < bytes; i++)
		used += (size_t)snprintf(
			caveat + used, bytes - used, "%s%s", i ? ", " : "outside of its control: ", x->uncontrolled[i]);
}

/* What was explored to the end is everything within this. */
static void tell_bound(struct explore_result *result, const char *what)
{
	size_t used = strlen(result->bound);
	if (result->exhausted)
		snprintf(result->bound + used, sizeof result->bound - used, "%s%s", used ? "; " : "", what);
}

static void finish(struct exploration *x)
{
	struct explore_result *result = x->result;
	result->distinct = behaviours_count(&x->behaviours);
	for (unsigned depth = 1; depth <= 3; depth++)
		if (x->options->model == MODEL_SC && !x->pct_void)
			result->probability_depth[depth] = 1 - x->missed[depth];
	tell_caveat(x);
	if (runtime->counted_loops)
		tell_bound(result, "of a loop that counts its turns, the first 8 without news one by one, the rest as one");
	if (runtime->weak_exchanges)
		tell_bound(result, "a weak compare-exchange fails for a reason only");
	if (runtime->bounded_turns)
		tell_bound(result, "a loop that takes locks which others try turns without news at most three times");
	if (runtime->late_waits)
		tell_bound(result, "a wait ends by itself (time-out, spurious wake-up) at most three times in a row");
	uint64_t spent = 0;
	for (unsigned i = 0; i < result->finding_count && !x->no_memory; i++)
		if (!explore_witness(x->program, x->options, &result->findings[i], &spent))
			x->no_memory = true;
		else if (x->options->minimise)
			explore_share_witness(result, i);
	result->resumed = journal_taken(x->journal);
	result->seconds = now() - x->started + journal_seconds(x->journal);
	behaviours_free(&x->behaviours);
}

int explore(const struct explore_program *program, const struct explore_options *options, struct explore_result *result)
{
	struct explore_options checked = *options;
	if (!checked.shards)
		checked.shard = checked.shards = 1;
	*result = (struct explore_result){0};
	bool automatic = strcmp(options->strategy, "auto") == 0;
	const struct search_kind *kind = automatic ? NULL : search_find(options->strategy);
	if ((!automatic && !kind) || checked.shard < 1 || checked.shard > checked.shards ||
		program->outcome_count > EXPLORE_OUTCOMES_MAX)
		return EINVAL;
	struct exploration x = {
		.program = program, .options = &checked, .result = result, .started = now(), .missed = {1, 1, 1, 1}};
	int why = explore_configure(&checked, false);
	if (!why)
		runtime->deadline_ns = checked.time_limit_s > 0 ? runtime_clock_ns() + (uint64_t)(checked.time_limit_s * 1e9) : 0;
	if (!why && checked.journal_fd > 0 && !(x.journal = journal_open(checked.journal_fd, checked.journal_every_s)))
		why = EPROTO;
	if (!why)
		why = survey(&x);
	x.budget = checked.executions;
	if (!why && checked.steps_in_all && x.steps_hint) {
		uint64_t fit = checked.steps_in_all / x.steps_hint + LEAST_EXECUTIONS;
		x.budget = x.budget && x.budget < fit ? x.budget : fit;
	}
	if (!why)
		why = automatic ? explore_auto(&x) : explore_one(&x, kind);
	if (!why)
		finish(&x);
	else
		behaviours_free(&x.behaviours);
	journal_close(x.journal);
	if (!why && x.no_memory)
		why = ENOMEM;
	if (why)
		explore_free(result);
	return why;
}

void explore_free(struct explore_result *result)
{
	for (unsigned i = 0; i < result->finding_count; i++) {
		schedule_free(&result->findings[i].schedule);
		free(result->findings[i].recorded);
	}
	free(result->findings);
	result->findings = NULL;
	result->finding_count = 0;
}
