/* SPDX-License-Identifier: MIT */
/* Repeating a schedule from nothing, as a fresh process does, and the witness of a finding.
 *
 * A fresh process knows of no race yet: racing plain accesses become steps as the races are found. So the schedule is repeated until
 * no further race turns up. The result depends on nothing but program and schedule.
 */
#include "exploring.h"

#include <stdlib.h>
#include <string.h>

/* WORK: steps to make a schedule smaller; later findings share as much again. */
enum { ROUNDS_MAX = 64, TRIES = 4000, WORK = 3000000, LATER_SHARE = 4, STEPS_BEHIND = 500, LONG_ROWS = 4000 };

struct repetition {
	enum ending how;
	uint32_t diverged;
	unsigned preemptions;
};

static bool repeat(const struct explore_program *program, const struct explore_options *options, const struct schedule *schedule,
	bool full, struct repetition *r)
{
	if (explore_configure(options, full) != 0)
		return false;
	runtime_forget_races();
	struct search *search = search_replay_first(schedule, UINT32_MAX, false, full);
	if (!search)
		return false;
	uint64_t promotions;
	int rounds = 0;
	runtime->recording = true;
	do {
		promotions = races_promotions();
		runtime->moment.execution = 0;
		search->kind->begin(search, &runtime->moment);
		r->how = explore_execute(program, search);
	} while (races_promotions() != promotions && ++rounds < ROUNDS_MAX);
	runtime->recording = false;
	r->diverged = search_replay_diverged(search);
	r->preemptions = search_replay_preemptions(search);
	search_close(search);
	return true;
}

/* Some executions of RC11 cannot be built up step by step with what graph_sources offers outside of full graphs. */
static bool repeat_somehow(const struct explore_program *program, const struct explore_options *options,
	const struct schedule *schedule, struct repetition *r)
{
	if (!repeat(program, options, schedule, false, r))
		return false;
	if (r->diverged == UINT32_MAX || options->model == MODEL_SC)
		return true;
	if (!repeat(program, options, schedule, true, r))
		return false;
	return r->diverged == UINT32_MAX || repeat(program, options, schedule, false, r);
}

enum ending explore_replay(const struct explore_program *program, const struct explore_options *options,
	const struct schedule *schedule, uint32_t *diverged)
{
	struct repetition r = {.how = ENDING_DIVERGED, .diverged = 0};
	repeat_somehow(program, options, schedule, &r);
	*diverged = r.diverged;
	return r.how;
}

/* Without its outcome. */
static bool shows_by_itself(uint64_t key, struct finding *finding)
{
	for (unsigned i = 0; i < runtime->findings; i++)
		if (runtime->finding[i].key == key) {
			if (finding)
				*finding = runtime->finding[i];
			return true;
		}
	return false;
}

bool explore_shows(const struct explore_program *program, enum ending how, uint64_t key, struct finding *finding)
{
	struct finding forbidden;
	unsigned outcome;
	if (shows_by_itself(key, finding))
		return true;
	if (!explore_forbidden(program, how, &forbidden, &outcome) || forbidden.key != key)
		return false;
	if (finding)
		*finding = forbidden;
	return true;
}

/* SHOWN: the execution that was recorded shows it. */
static bool keep_recorded(struct explored_finding *found, bool shown)
{
	uint32_t count;
	const struct recorded *recorded = runtime_recorded(&count);
	found->told = shown ? runtime_told(&found->finding) : count;
	/* A long execution has many findings, and what comes behind this one is of little use to it. */
	if (count > found->told + STEPS_BEHIND)
		count = found->told + STEPS_BEHIND;
	found->recorded = malloc((count ? count : 1) * sizeof *recorded);
	if (!found->recorded)
		return false;
	if (count)
		memcpy(found->recorded, recorded, count * sizeof *recorded);
	found->recorded_count = count;
	return true;
}

/* What a long execution does behind a race is the plain way, which a replay goes by itself. */
static void cut_behind(struct schedule *schedule, const struct finding *finding)
{
	if (finding->kind == FINDING_DATA_RACE && schedule->count > finding->step + STEPS_BEHIND)
		schedule->count = finding->step + STEPS_BEHIND;
}

bool explore_witness(const struct explore_program *program, const struct explore_options *options, struct explored_finding *found,
	uint64_t *spent)
{
	/* A program that does not repeat itself has no witness; and one may be there already. */
	if (found->finding.kind == FINDING_NONDETERMINISM || found->recorded)
		return true;
	if (options->minimise)
		*spent += explore_minimise(program, options, &found->finding, &found->schedule, TRIES,
			!*spent             ? WORK
			: *spent < 2 * WORK ? (2 * WORK - *spent) / LATER_SHARE
					    : 0);
	struct repetition r;
	if (!repeat_somehow(program, options, &found->schedule, &r))
		return false;
	bool shown = explore_shows(program, r.how, found->finding.key, &found->finding);
	if (shown) {
		/* As a fresh process performs it: with the races that it has by itself as steps, and no others. */
		struct schedule performed;
		if (!schedule_take(&performed))
			return false;
		schedule_free(&found->schedule);
		found->schedule = performed;
		cut_behind(&found->schedule, &found->finding);
	}
	found->stale = schedule_stale(&found->schedule);
	found->preemptions = r.preemptions;
	return keep_recorded(found, shown);
}

void explore_share_witness(struct explore_result *result, unsigned first)
{
	const struct explored_finding *has = &result->findings[first];
	uint32_t count;
	runtime_recorded(&count);
	if (count < LONG_ROWS)
		return;
	for (unsigned i = first + 1; i < result->finding_count; i++) {
		struct explored_finding *found = &result->findings[i];
		struct finding again;
		struct schedule schedule;
		if (found->recorded || found->finding.kind != FINDING_DATA_RACE || !shows_by_itself(found->finding.key, &again) ||
			runtime_told(&again) > has->told + STEPS_BEHIND || !schedule_copy(&schedule, &has->schedule))
			continue;
		found->finding = again;
		schedule_free(&found->schedule);
		found->schedule = schedule;
		found->stale = has->stale;
		found->preemptions = has->preemptions;
		keep_recorded(found, true);
	}
}
