/* SPDX-License-Identifier: MIT */
/* Repeating a schedule from nothing, as a fresh process does, and the witness of a finding.
 *
 * A fresh process knows of no race yet: racing plain accesses become steps as the races are found. So the schedule is repeated until
 * no further race turns up. The result depends on nothing but program and schedule.
 */
#include "exploring.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = 64, TRIES = 4000 };

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

bool explore_shows(const struct explore_program *program, enum ending how, uint64_t key, struct finding *finding)
{
	struct finding forbidden;
	unsigned outcome;
	for (unsigned i = 0; i < runtime->findings; i++)
		if (runtime->finding[i].key == key) {
			if (finding)
				*finding = runtime->finding[i];
			return true;
		}
	if (!explore_forbidden(program, how, &forbidden, &outcome) || forbidden.key != key)
		return false;
	if (finding)
		*finding = forbidden;
	return true;
}

static bool keep_recorded(struct explored_finding *found)
{
	uint32_t count;
	const struct recorded *recorded = runtime_recorded(&count);
	found->recorded = malloc((count ? count : 1) * sizeof *recorded);
	if (!found->recorded)
		return false;
	if (count)
		memcpy(found->recorded, recorded, count * sizeof *recorded);
	found->recorded_count = count;
	return true;
}

bool explore_witness(const struct explore_program *program, const struct explore_options *options, struct explored_finding *found)
{
	/* A program that does not repeat itself has no witness. */
	if (found->finding.kind == FINDING_NONDETERMINISM)
		return true;
	if (options->minimise)
		explore_minimise(program, options, found->finding.key, &found->schedule, TRIES);
	struct repetition r;
	if (!repeat_somehow(program, options, &found->schedule, &r))
		return false;
	if (explore_shows(program, r.how, found->finding.key, &found->finding)) {
		/* As a fresh process performs it: with the races that it has by itself as steps, and no others. */
		struct schedule performed;
		if (!schedule_take(&performed))
			return false;
		schedule_free(&found->schedule);
		found->schedule = performed;
	}
	found->stale = schedule_stale(&found->schedule);
	found->preemptions = r.preemptions;
	return keep_recorded(found);
}
