/* SPDX-License-Identifier: MIT */
/* --shard=auto: which part of how many this process is to do, as the scheduler that started it says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { SHARDS_MAX = 1000000 };

/* Schedulers whose variables may be set at once for one and the same division are of one level; the first of them that is there speaks
 * for it: mpirun in a Slurm job starts its helpers as a step of one task for each node, and its ranks inherit that step's variables. */
enum level { OWN, JOB_RUNNER, RANKS, ARRAY, TEST_RUNNER, CI_MACHINES };

struct scheduler {
	enum level level;
	const char *who, *index, *total;
	unsigned base; /* of the index */
	/* Where the total is one that the user sets, since the scheduler tells none. */
	bool own_total;
};

#define OWN_TOTAL "ONCEPROOF_SHARDS"
static const struct scheduler schedulers[] = {
	{OWN, "this shell's own setting", "ONCEPROOF_SHARD", OWN_TOTAL, 1, true},
	{JOB_RUNNER, "GNU parallel", "PARALLEL_SEQ", OWN_TOTAL, 1, true},
	{RANKS, "a rank of Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", 0, false},
	{RANKS, "a rank of MVAPICH2", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", 0, false},
	{RANKS, "an MPI rank (PMI)", "PMI_RANK", "PMI_SIZE", 0, false},
	{RANKS, "a task of a Slurm step", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", 0, false},
	{RANKS, "an MPI rank (PMIx)", "PMIX_RANK", OWN_TOTAL, 0, true},
	{ARRAY, "a task of a Slurm array", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", 1, false},
	{ARRAY, "a pod of an indexed job", "JOB_COMPLETION_INDEX", OWN_TOTAL, 0, true},
	{TEST_RUNNER, "Bazel", "TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS", 0, false},
	{TEST_RUNNER, "a runner for GoogleTest", "GTEST_SHARD_INDEX", "GTEST_TOTAL_SHARDS", 0, false},
	{CI_MACHINES, "GitLab CI", "CI_NODE_INDEX", "CI_NODE_TOTAL", 1, false},
	{CI_MACHINES, "CircleCI", "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0, false},
	{CI_MACHINES, "Buildkite", "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0, false},
};

struct share {
	const struct scheduler *from; /* NULL: nobody says anything */
	unsigned shard, shards;
};

static const char *set(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static unsigned number(const char *name, unsigned min, unsigned max)
{
	return (unsigned)parse_number(name, getenv(name), min, max);
}

/* --array=MIN-MAX:STEP. An array with gaps cannot be numbered by its tasks alone. */
static struct share slurm_array(const struct scheduler *s)
{
	unsigned count = number(s->total, 1, SHARDS_MAX), id = number(s->index, 0, UINT32_MAX >> 1);
	unsigned min = set("SLURM_ARRAY_TASK_MIN") ? number("SLURM_ARRAY_TASK_MIN", 0, UINT32_MAX >> 1) : 1;
	unsigned step = set("SLURM_ARRAY_TASK_STEP") ? number("SLURM_ARRAY_TASK_STEP", 1, UINT32_MAX >> 1) : 1;
	unsigned long long last = min + (count - 1ull) * step;
	bool regular = id >= min && (id - min) % step == 0 && id <= last;
	if (set("SLURM_ARRAY_TASK_MAX"))
		regular &= number("SLURM_ARRAY_TASK_MAX", 0, UINT32_MAX >> 1) == last;
	if (!regular) {
		complain("--shard: auto: task %u of a Slurm array of %u from %u on has no place in it: an array with gaps cannot "
			 "be "
			 "numbered; submit --array=1-%u, or give --shard=I/N",
			id, count, min, count);
		exit(EXIT_USAGE);
	}
	return (struct share){s, (id - min) / step + 1, count};
}

static struct share ask(const struct scheduler *s)
{
	if (!set(s->index) || !set(s->total))
		return (struct share){0};
	if (s->level == ARRAY && !s->own_total)
		return slurm_array(s);
	unsigned shards = number(s->total, 1, SHARDS_MAX), index = number(s->index, s->base, s->base + shards - 1);
	return (struct share){s, index - s->base + 1, shards};
}

/* A scheduler that names the part, but not of how many. */
static const struct scheduler *half_set(void)
{
	for (size_t i = 0; i < sizeof schedulers / sizeof *schedulers; i++)
		if (set(schedulers[i].index) && !set(schedulers[i].total))
			return &schedulers[i];
	return NULL;
}

_Noreturn static void refuse_nothing(void)
{
	const struct scheduler *half = half_set();
	if (half && half->own_total)
		complain("--shard: auto: %s=%s says that this is %s, but not of how many: set %s to their number", half->index,
			getenv(half->index), half->who, half->total);
	else if (half)
		complain("--shard: auto: %s is set, but %s is not; set it, or give --shard=I/N", half->index, half->total);
	else
		complain("--shard: auto: no variable of GNU parallel, MPI, Slurm, an indexed job, a test runner or a CI service "
			 "is "
			 "set; give --shard=I/N instead");
	exit(EXIT_USAGE);
}

/* Two that divide the work in different ways: taking one of them would do some of it twice. */
_Noreturn static void refuse_two(const struct share *a, const struct share *b)
{
	complain("--shard: auto: %s says %u/%u (%s) and %s says %u/%u (%s): which one? Set ONCEPROOF_SHARD and %s, or give "
		 "--shard=I/N",
		a->from->index, a->shard, a->shards, a->from->who, b->from->index, b->shard, b->shards, b->from->who, OWN_TOTAL);
	exit(EXIT_USAGE);
}

/* Bazel wants to know that the shards were heeded; else it runs everything in each of them. */
static void touch_status_file(void)
{
	const char *path = set("TEST_SHARD_STATUS_FILE");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
	if (path && fd < 0) {
		complain("--shard: auto: TEST_SHARD_STATUS_FILE: %s: %s", path, strerror(errno));
		exit(EXIT_USAGE);
	}
	if (fd >= 0)
		close(fd);
}

void shard_from_environment(struct common *common)
{
	struct share taken = {0};
	for (size_t i = 0; i < sizeof schedulers / sizeof *schedulers; i++) {
		struct share here = ask(&schedulers[i]);
		if (!here.from)
			continue;
		/* One that divides nothing is in nobody's way, and neither is one of the same level or of the same opinion. */
		if (!taken.from || (taken.from->level != OWN && taken.shards == 1 && here.shards > 1))
			taken = here;
		else if (taken.from->level == OWN || taken.from->level == here.from->level || here.shards == 1)
			continue;
		else if (taken.shard != here.shard || taken.shards != here.shards)
			refuse_two(&taken, &here);
	}
	if (!taken.from)
		refuse_nothing();
	if (taken.from->level == TEST_RUNNER)
		touch_status_file();
	common->shard = taken.shard;
	common->shards = taken.shards;
	fprintf(stderr, "onceproof: --shard=auto: shard %u/%u, by %s=%s (%s)\n", taken.shard, taken.shards, taken.from->index,
		getenv(taken.from->index), taken.from->who);
}
