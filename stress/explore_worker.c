/* SPDX-License-Identifier: MIT */
/* The explorer's worker: one scenario on one subject, explored in a process of its own. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "explore_command.h"
#include "native/run.h"

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

static const char *refused(void *arg)
{
	const struct stage *stage = arg;
	return stage->refused ? strerror(stage->refused) : NULL;
}

int main(int argc, char **argv)
{
	struct explore_command command;
	explore_command_parse(&command, argc, argv, "onceproof-explore", "Explores one scenario on one implementation.");
	const struct registered *subject = explore_command_find(command.subject);
	const struct scenario *scenario = subject ? scenario_find(subject->about->family, command.scenario) : NULL;
	if (!scenario || !scenario_applies(scenario, subject->about) || scenario->script) {
		fprintf(stderr, "%s: no scenario of threads '%s' for '%s'\n", command.program, command.scenario, command.subject);
		return 2;
	}
	struct stage stage = {.scenario = scenario};
	int why = execution_allocate(&stage.x, scenario, subject->about);
	if (why) {
		fprintf(stderr, "%s: cannot start: %s\n", command.program, strerror(why));
		return 2;
	}
	for (unsigned n = 0; n < SCENARIO_ACTORS_MAX; n++)
		stage.actor[n] = (struct actor){.stage = &stage, .number = n};
	const struct explore_program program = {.reset = reset,
		.body = body,
		.outcome = outcome,
		.forbidden = forbidden,
		.label = label,
		.outcome_count = scenario->outcome_count,
		.arg = &stage};
	explore_command_run(&command, &program, refused);
}
