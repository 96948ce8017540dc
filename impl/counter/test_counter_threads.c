/* SPDX-License-Identifier: MIT */
/* Every registered counter with threads that collide: nothing that it claims may break. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "test_counter.h"

enum { THREADS = 2, STEPS_MAX = 200000, SIGNALS = 500, FULL_SPEED = 64 * 20000, THERE_AND_BACK = 20 };

/* Built with ThreadSanitizer, these tests must be silent: what says that it races is left to the scenarios. */
static bool races_under_tsan(const struct fixture *f)
{
#if defined(__has_feature)
	bool tsan = __has_feature(thread_sanitizer);
#elif defined(__SANITIZE_THREAD__)
	bool tsan = true;
#else
	bool tsan = false;
#endif
	return tsan && !(f->it->about.claims & COUNTER_RACE_FREE);
}

/* One thread of the concurrent tests. */
struct worker {
	struct fixture *f;
	size_t seat;
	unsigned rounds;   /* how often it takes its seat */
	uint64_t plan;     /* increments in each round, at most */
	uint64_t counted;  /* written by the worker, read after the join */
	uint64_t backward; /* likewise: values read that were smaller than the one before */
	uint64_t *steps;   /* likewise: what increment returned */
	_Atomic bool done;
	pthread_t thread;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct timespec start, now;
	uint64_t last = 0;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned round = 0; round < w->rounds; round++) {
		if (w->f->it->join(w->f->c, w->f->seat[w->seat]))
			break;
		for (uint64_t i = 0; i < w->plan; i++) {
			uint64_t step = count(w->f, w->seat);
			if (w->steps)
				w->steps[w->counted] = step;
			w->counted++;
			uint64_t value = w->f->it->value(w->f->c);
			w->backward += value < last;
			last = value;
			/* Fair locks on a busy machine can take a time slice per increment: then fewer are enough. */
			clock_gettime(CLOCK_MONOTONIC, &now);
			if (now.tv_sec - start.tv_sec > 1)
				break;
		}
		w->f->it->leave(w->f->c, w->f->seat[w->seat]);
	}
	/* release: pairs with the acquire in signal_until_done(). */
	atomic_store_explicit(&w->done, true, memory_order_release);
	return NULL;
}

static void nothing(int signal_number)
{
	(void)signal_number;
}

/* Signals interrupt restartable sequences wherever they are, much more often than the scheduler does. */
static void signal_until_done(struct worker *w)
{
	/* acquire: pairs with the release in work(). The thread is not joined yet, so its name stays valid. */
	for (unsigned i = 0; i < SIGNALS && !atomic_load_explicit(&w->done, memory_order_acquire); i++)
		pthread_kill(w->thread, SIGUSR1);
}

static void check_steps(struct fixture *f, const struct worker *workers, uint64_t total)
{
	bool *given = calloc(total + 1, sizeof *given);
	assert_non_null(given);
	for (size_t i = 0; i < THREADS; i++)
		for (uint64_t n = 0; n < workers[i].counted; n++) {
			uint64_t step = workers[i].steps[n];
			check_equal(f, step >= 1 && step <= total && !given[step], true);
			given[step] = true;
		}
	free(given);
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* Tickets: no number twice, whatever lies between them. */
static void check_tickets(struct fixture *f, const struct worker *workers, uint64_t total)
{
	uint64_t *all = calloc(total + 1, sizeof *all); /* the first one is 0, which is no ticket */
	assert_non_null(all);
	uint64_t count = 1;
	for (size_t i = 0; i < THREADS; i++)
		for (uint64_t n = 0; n < workers[i].counted; n++)
			all[count++] = workers[i].steps[n];
	qsort(all, count, sizeof *all, by_number);
	for (uint64_t i = 1; i < count; i++)
		check_equal(f, all[i] != all[i - 1], true);
	free(all);
}

static void run_workers(struct fixture *f, unsigned rounds, uint64_t plan)
{
	static uint64_t steps[THREADS][STEPS_MAX];
	struct worker workers[THREADS] = {0};
	uint64_t total = 0;
	if (races_under_tsan(f)) {
		f->it->close(f->c);
		return;
	}
	for (size_t i = 0; i < THREADS; i++) {
		workers[i].f = f;
		workers[i].seat = i;
		workers[i].rounds = rounds;
		workers[i].plan = plan;
		workers[i].steps = rounds * plan <= STEPS_MAX ? steps[i] : NULL;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		signal_until_done(&workers[i]);
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		total += workers[i].counted;
	}
	uint32_t claims = f->it->about.claims;
	for (size_t i = 0; i < THREADS; i++)
		if (claims & COUNTER_MONOTONE_VALUE)
			check_equal(f, workers[i].backward, 0);
	if (claims & COUNTER_EXACT_AT_REST)
		check_equal(f, f->it->value(f->c), total);
	if (claims & COUNTER_UNIQUE_STEPS)
		check_steps(f, workers, total);
	else if (f->it->tickets)
		check_tickets(f, workers, total);
	f->it->close(f->c);
}

static void counts_with_threads(struct fixture *f)
{
	run_workers(f, 1, STEPS_MAX);
}

static void counts_while_seats_change_hands(struct fixture *f)
{
	run_workers(f, 500, 2);
}

/* A thread that does nothing but count. */
struct hammer {
	struct fixture *f;
	size_t seat;
	uint64_t counted; /* written by the thread, read after the join */
	pthread_t thread;
};

static void *count_only(void *arg)
{
	struct hammer *h = arg;
	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		h->f->it->loop_increment(h->f->c, h->f->seat[h->seat], 64);
		h->counted += 64;
		/* The time limit is for fair locks, as above. */
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (h->counted < FULL_SPEED && now.tv_sec - start.tv_sec <= 1);
	return NULL;
}

static void counts_at_full_speed(struct fixture *f)
{
	struct hammer hammers[THREADS] = {0};
	uint64_t total = 0;
	if (races_under_tsan(f)) {
		f->it->close(f->c);
		return;
	}
	for (size_t i = 0; i < THREADS; i++) {
		join(f, i);
		hammers[i].f = f;
		hammers[i].seat = i;
		assert_int_equal(pthread_create(&hammers[i].thread, NULL, count_only, &hammers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(hammers[i].thread, NULL), 0);
		total += hammers[i].counted;
	}
	if (f->it->about.claims & COUNTER_EXACT_AT_REST)
		check_equal(f, f->it->value(f->c), total);
	f->it->close(f->c);
}

struct watcher {
	struct fixture *f;
	uint64_t seen[3];
};

static void *watch(void *arg)
{
	struct watcher *w = arg;
	for (size_t i = 0; i < 3; i++)
		w->seen[i] = w->f->it->watch(w->f->c, i ? w->seen[i - 1] : 0);
	return NULL;
}

/* Waits for anything but 0, again and again; seen[0] counts the times it was told 0. */
static void *watch_from_zero(void *arg)
{
	struct watcher *w = arg;
	w->seen[0] = 0;
	for (unsigned i = 0; i < THERE_AND_BACK; i++)
		w->seen[0] += w->f->it->watch(w->f->c, 0) == 0;
	return NULL;
}

static void wakes_watchers(struct fixture *f)
{
	if (f->it->watch) {
		struct watcher w = {.f = f};
		pthread_t thread;
		join(f, 0);
		assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
		/* Counts until the watcher has seen three changes. The scenario `watched` has a single change, which nothing makes up for. */
		uint64_t counted = 0;
		while (pthread_tryjoin_np(thread, NULL) == EBUSY) {
			count(f, 0);
			counted++;
			sched_yield();
		}
		check_equal(f, w.seen[0] >= 1 && w.seen[0] < w.seen[1] && w.seen[1] < w.seen[2] && w.seen[2] <= counted, true);
		check_equal(f, f->it->watch(f->c, counted + 1), counted);
		f->it->reset(f->c);
		check_equal(f, f->it->watch(f->c, counted), 0);
		/* There and back again is no news: whoever wakes up looks again. */
		assert_int_equal(pthread_create(&thread, NULL, watch_from_zero, &w), 0);
		for (unsigned i = 0; pthread_tryjoin_np(thread, NULL) == EBUSY; i++) {
			count(f, 0);
			if (i >= THERE_AND_BACK)
				continue;
			f->it->decrement(f->c, f->seat[0]);
			/* Time for a watcher that was woken to get the lock. */
			for (unsigned pause = 0; pause < MANY; pause++)
				sched_yield();
		}
		check_equal(f, w.seen[0], 0);
	}
	f->it->close(f->c);
}

int main(void)
{
	signal(SIGUSR1, nothing);
	const struct CMUnitTest tests[] = {
		ON_EACH(counts_with_threads),
		ON_EACH(counts_while_seats_change_hands),
		ON_EACH(counts_at_full_speed),
		ON_EACH(wakes_watchers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
