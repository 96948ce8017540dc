/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
	LINE = 64,       /* cache line, bytes */
	STRIDE_MIN = 64, /* states between two line-ups */
	STRIDE_MAX = 4096,
	ARENA_BYTES = 2 << 20, /* states of one round stay inside a second-level cache */
	SPINS_BEFORE_YIELD = 4096,
};

/* A spinning barrier: the last to arrive turns the phase. Yields after a while, so that it also works with one CPU. */
struct line {
	_Alignas(LINE) _Atomic unsigned arrived;
	_Alignas(LINE) _Atomic unsigned phase;
	unsigned size;
	unsigned spins;
	enum line_up kind;
	pthread_barrier_t slow;
};

static void line_wait(struct line *line)
{
	if (line->kind == LINE_UP_PTHREAD) {
		pthread_barrier_wait(&line->slow);
		return;
	}
	/* relaxed: this thread saw the phase turn, or was created after it was set. */
	unsigned phase = atomic_load_explicit(&line->phase, memory_order_relaxed);
	/* acq_rel: the last one has seen everything that the others did before they arrived. */
	if (atomic_fetch_add_explicit(&line->arrived, 1, memory_order_acq_rel) == line->size - 1) {
		/* relaxed: nobody arrives again before the phase turns. */
		atomic_store_explicit(&line->arrived, 0, memory_order_relaxed);
		/* release: pairs with the acquire below; hands on what all of them did. */
		atomic_store_explicit(&line->phase, phase + 1, memory_order_release);
		return;
	}
	/* acquire: pairs with the release above. */
	for (unsigned spins = 0; atomic_load_explicit(&line->phase, memory_order_acquire) == phase; spins++) {
		if (spins < line->spins)
			cpu_relax();
		else
			sched_yield();
	}
}

/* Where the memory of each state lies; the same for all threads of a round. */
struct layout {
	unsigned char *object, *seats, *local;
	size_t object_stride, seat_stride, local_stride;
	size_t object_packed, object_padded;
};

struct run {
	const struct scenario *scenario;
	const struct implementation *subject;
	const struct run_options *options;
	struct layout layout;
	uint64_t states; /* room for this many */
	/* Written by thread 0 between two line-ups, read by all after the second. */
	uint64_t round_states, stride;
	unsigned rotation;
	bool stop;
	_Atomic int refused;
	struct line line;
	struct run_result *result;
	double started;
	cpu_set_t cpus;
};

struct player {
	struct run *run;
	unsigned index;
	pthread_t thread;
	uint64_t counts[SCENARIO_OUTCOMES_MAX];
};

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): the n-th number of a seed. */
static uint64_t random_at(uint64_t seed, uint64_t n)
{
	uint64_t z = seed + (n + 1) * 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static size_t round_up(size_t bytes, size_t align)
{
	return (bytes + align - 1) / align * align;
}

static void subject_sizes(const struct implementation *subject, size_t *object, size_t *align, size_t *seat, size_t *seat_align)
{
	*seat = 0;
	*seat_align = 1;
	switch (subject->family) {
	case FAMILY_COUNTER: {
		const struct counter_implementation *it = (const void *)subject;
		*object = it->counter_bytes;
		*align = it->counter_align;
		*seat = it->seat_bytes;
		*seat_align = it->seat_align;
		break;
	}
	case FAMILY_INITIALISER: {
		const struct initialiser_implementation *it = (const void *)subject;
		*object = it->bytes;
		*align = it->align;
		break;
	}
	default: {
		const struct progress_implementation *it = (const void *)subject;
		*object = it->bytes;
		*align = it->align;
		break;
	}
	}
}

/* Memory for COUNT states. Objects get room for a line each, so that rounds can be packed or padded. */
static int lay_out(struct layout *layout, const struct scenario *scenario, const struct implementation *subject, uint64_t *count)
{
	size_t object, align, seat, seat_align;
	subject_sizes(subject, &object, &align, &seat, &seat_align);
	size_t actors = scenario->actor_count ? scenario->actor_count : SCENARIO_ACTORS_MAX;
	layout->object_packed = round_up(object, align);
	layout->object_padded = round_up(object, align > LINE ? align : LINE);
	layout->object_stride = layout->object_padded;
	layout->seat_stride = round_up(seat, seat_align > LINE ? seat_align : LINE) * (seat > 0);
	layout->local_stride = round_up(scenario->local_bytes, LINE);
	size_t per_state = layout->object_padded + layout->seat_stride * actors + layout->local_stride;
	if (*count == 0) {
		*count = ARENA_BYTES / per_state;
		if (*count > STRIDE_MAX)
			*count = STRIDE_MAX;
		if (*count < STRIDE_MIN)
			*count = STRIDE_MIN;
	}
	size_t bytes = round_up(per_state * *count + 4 * 4096, 4096);
	unsigned char *arena = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena == MAP_FAILED)
		return errno;
	layout->object = arena;
	layout->seats = arena + round_up(layout->object_padded * *count, 4096);
	layout->local = layout->seats + round_up(layout->seat_stride * actors * *count, 4096);
	return 0;
}

static inline void place(const struct run *run, uint64_t i, struct execution *x)
{
	const struct layout *layout = &run->layout;
	x->object = layout->object + i * layout->object_stride;
	x->local = layout->local + i * layout->local_stride;
	if (layout->seat_stride)
		for (unsigned a = 0; a < run->scenario->actor_count; a++)
			x->seat[a] = layout->seats + (i * run->scenario->actor_count + a) * layout->seat_stride;
}

int execution_allocate(struct execution *x, const struct scenario *scenario, const struct implementation *subject)
{
	struct layout layout;
	uint64_t one = 1;
	int why = lay_out(&layout, scenario, subject, &one);
	if (why)
		return why;
	*x = (struct execution){.subject = subject, .object = layout.object, .local = layout.local};
	if (layout.seat_stride)
		for (unsigned a = 0; a < SCENARIO_ACTORS_MAX; a++)
			x->seat[a] = layout.seats + a * layout.seat_stride;
	return 0;
}

/* Chooses what the next round looks like. Only thread 0, while the others wait. */
static void plan_round(struct run *run, uint64_t round)
{
	struct run_result *result = run->result;
	uint64_t left = run->options->executions - result->executions;
	uint64_t dice = random_at(run->options->seed, round);
	unsigned doublings = (unsigned)(dice % 7); /* 64 << 6 is STRIDE_MAX */
	run->stride = (uint64_t)STRIDE_MIN << doublings;
	run->rotation = (unsigned)(dice >> 8) % run->scenario->actor_count;
	run->layout.object_stride = (dice >> 16) & 1 ? run->layout.object_packed : run->layout.object_padded;
	run->round_states = left < run->states ? left : run->states;
	/* relaxed: the line-up orders it. */
	run->stop = left == 0 || atomic_load_explicit(&run->refused, memory_order_relaxed) != 0;
	if (!run->stop && run->options->time_limit_s > 0 && now_s() - run->started > run->options->time_limit_s) {
		result->out_of_time = true;
		run->stop = true;
	}
	if (!run->stop)
		result->executions += run->round_states;
}

static void pin_player(const struct player *player)
{
	const struct run *run = player->run;
	unsigned wanted = (unsigned)((player->index + run->options->seed) % run->result->cpus), seen = 0;
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &run->cpus) || seen++ != wanted)
			continue;
		cpu_set_t one;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		/* Without the right to choose CPUs the scheduler chooses; the run is as valid. */
		pthread_setaffinity_np(pthread_self(), sizeof one, &one);
		return;
	}
}

static void *player_main(void *arg)
{
	struct player *player = arg;
	struct run *run = player->run;
	const struct scenario *scenario = run->scenario;
	unsigned players = scenario->actor_count;
	struct execution x = {.subject = run->subject};
	if (run->options->pin)
		pin_player(player);
	for (uint64_t round = 0;; round++) {
		if (player->index == 0)
			plan_round(run, round);
		line_wait(&run->line);
		if (run->stop)
			return NULL;
		uint64_t from = run->round_states * player->index / players;
		uint64_t to = run->round_states * (player->index + 1) / players;
		for (uint64_t i = from; i < to; i++) {
			place(run, i, &x);
			/* Not with 0 bytes: a vector store that stores nothing to an untouched page still costs an assist, 30 ns and more. */
			if (run->layout.local_stride)
				memset(x.local, 0, run->layout.local_stride);
			int why = scenario->setup(&x);
			if (why) {
				/* relaxed: the line-up orders it. */
				atomic_store_explicit(&run->refused, why, memory_order_relaxed);
				break;
			}
		}
		line_wait(&run->line);
		/* relaxed: as above. */
		if (atomic_load_explicit(&run->refused, memory_order_relaxed))
			return NULL;
		void (*actor)(const struct execution *) = scenario->actor[(player->index + run->rotation) % players];
		for (uint64_t start = 0; start < run->round_states; start += run->stride) {
			uint64_t end = start + run->stride < run->round_states ? start + run->stride : run->round_states;
			line_wait(&run->line);
			for (uint64_t i = start; i < end; i++) {
				place(run, i, &x);
				actor(&x);
			}
		}
		line_wait(&run->line);
		for (uint64_t i = from; i < to; i++) {
			place(run, i, &x);
			player->counts[scenario->check(&x)]++;
		}
		line_wait(&run->line);
	}
}

int run_actors(const struct scenario *scenario, const struct implementation *subject, const struct run_options *options,
	struct run_result *result)
{
	struct run run = {.scenario = scenario, .subject = subject, .options = options, .result = result};
	struct player players[SCENARIO_ACTORS_MAX] = {0};
	unsigned count = scenario->actor_count;
	*result = (struct run_result){0};
	if (sched_getaffinity(0, sizeof run.cpus, &run.cpus) != 0) {
		CPU_ZERO(&run.cpus);
		CPU_SET(0, &run.cpus);
	}
	result->cpus = (unsigned)CPU_COUNT(&run.cpus);
	run.states = subject->instances == INSTANCES_ONE_PER_PROCESS ? 1 : 0;
	int why = lay_out(&run.layout, scenario, subject, &run.states);
	if (why)
		return why;
	run.line.size = count;
	run.line.kind = options->line_up;
	run.line.spins = result->cpus < count ? 64 : SPINS_BEFORE_YIELD;
	if (options->line_up == LINE_UP_PTHREAD && (why = pthread_barrier_init(&run.line.slow, NULL, count)) != 0)
		return why;
	run.started = now_s();
	for (unsigned i = 0; i < count; i++) {
		players[i].run = &run;
		players[i].index = i;
		why = pthread_create(&players[i].thread, NULL, player_main, &players[i]);
		if (why)
			return why; /* the caller ends the process; threads that wait at the line end with it */
	}
	for (unsigned i = 0; i < count; i++) {
		pthread_join(players[i].thread, NULL);
		for (unsigned o = 0; o < SCENARIO_OUTCOMES_MAX; o++)
			result->counts[o] += players[i].counts[o];
	}
	result->seconds = now_s() - run.started;
	/* relaxed: the threads were joined. */
	result->refused = atomic_load_explicit(&run.refused, memory_order_relaxed);
	return 0;
}
