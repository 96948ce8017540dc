/* SPDX-License-Identifier: MIT */
/* <onceproof/tally.h>: seats come and go, the bound of the approximate value, tickets, and a teller in forced orders. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "test_tally.h"

/* The linker sends the header's allocations here (-Wl,--wrap). */
static bool out_of_memory;
static long live_blocks; /* atomic */
void *__real_aligned_alloc(size_t align, size_t bytes);
void __real_free(void *block);
void *__wrap_aligned_alloc(size_t align, size_t bytes);
void __wrap_free(void *block);

void *__wrap_aligned_alloc(size_t align, size_t bytes)
{
	void *block = out_of_memory ? NULL : __real_aligned_alloc(align, bytes);
	/* relaxed, here and below: read when nobody allocates. */
	__atomic_fetch_add(&live_blocks, block != NULL, __ATOMIC_RELAXED);
	return block;
}

void __wrap_free(void *block)
{
	__atomic_fetch_sub(&live_blocks, block != NULL, __ATOMIC_RELAXED);
	__real_free(block);
}

static void no_memory_left(const struct tally *t)
{
	(void)t;
	assert_int_equal(live_blocks, 0);
}

static void zeroed_memory_is_a_tally(void **state)
{
	(void)state;
	static struct tally zeroed;
	struct tally initialised = TALLY_INITIALISER;
	assert_memory_equal(&zeroed, &initialised, sizeof zeroed);
	assert_int_equal(tally_value(&zeroed), 0);
	assert_int_equal(tally_value_fenced(&zeroed), 0);
	assert_int_equal(tally_approximate(&zeroed), 0);
	tally_close(&zeroed);
}

static void every_seat_is_a_place_of_its_own(void **state)
{
	(void)state;
	enum { SEATS = 200 }; /* five chunks */
	struct tally t = TALLY_INITIALISER;
	struct tally_seat *seat[SEATS];
	for (unsigned i = 0; i < SEATS; i++) {
		seat[i] = tally_join(&t);
		assert_non_null(seat[i]);
		assert_int_equal((uintptr_t)seat[i] % TALLY_PAIR_BYTES, 0);
		for (unsigned k = 0; k < i; k++)
			assert_ptr_not_equal(seat[i], seat[k]);
		for (unsigned k = 0; k <= i; k++)
			tally_add(seat[i]);
		assert_int_equal(tally_own(seat[i]), i + 1);
	}
	assert_int_equal(tally_value(&t), SEATS * (SEATS + 1) / 2);
	/* One is given up: it is the next one that is taken, and goes on from its count. */
	tally_leave(seat[77]);
	assert_int_equal(tally_value(&t), SEATS * (SEATS + 1) / 2);
	assert_ptr_equal(tally_join(&t), seat[77]);
	assert_int_equal(tally_own(seat[77]), 78);
	assert_int_equal(tally_add(seat[77]), 79);
	assert_int_equal(tally_value(&t), SEATS * (SEATS + 1) / 2 + 1);
	tally_close(&t);
	no_memory_left(&t);
	assert_int_equal(tally_value(&t), 0);
}

/* The last chunks are too large to be tried; their places are not. */
static void places_cover_all_seats(void **state)
{
	(void)state;
	uint32_t first = 0;
	for (unsigned k = 0; k < TALLY_CHUNKS; k++) {
		const uint32_t size = TALLY_FIRST_SEATS << k;
		assert_int_equal(tally_chunk_of_(first), k);
		assert_int_equal(tally_place_of_(first), 0);
		assert_int_equal(tally_chunk_of_(first + size - 1), k);
		assert_int_equal(tally_place_of_(first + size - 1), size - 1);
		first += size;
	}
	assert_int_equal(first, TALLY_SEATS_MAX);
}

static void says_when_there_is_no_seat(void **state)
{
	(void)state;
	struct tally t = TALLY_INITIALISER;
	out_of_memory = true;
	assert_null(tally_join(&t));
	out_of_memory = false;
	assert_int_equal(tally_step(&t), 1);
	assert_int_equal(tally_value(&t), 1);
	struct tally_seat *seat = tally_join(&t);
	assert_non_null(seat);
	tally_add(seat);
	assert_int_equal(tally_value(&t), 2);
	/* A chunk's worth is taken, and there is no memory for the next. */
	for (unsigned i = 1; i < TALLY_FIRST_SEATS; i++)
		assert_non_null(tally_join(&t));
	out_of_memory = true;
	assert_null(tally_join(&t));
	out_of_memory = false;
	assert_non_null(tally_join(&t));
	assert_int_equal(t.seats, TALLY_FIRST_SEATS + 1);
	tally_close(&t);
}

static void counts_kept_by_the_thread_are_published(void **state)
{
	(void)state;
	struct tally t = TALLY_INITIALISER;
	struct tally_seat *seat = tally_join(&t);
	tally_add(seat);
	uint64_t own = tally_own(seat);
	for (int i = 0; i < 10; i++) {
		tally_put(seat, ++own);
		assert_int_equal(tally_value(&t), (uint64_t)i + 2);
	}
	assert_int_equal(tally_add(seat), 12);
	tally_close(&t);
}

static void approximate_stays_within_its_bound(void **state)
{
	(void)state;
	enum { SEATS = 3 };
	struct tally t = TALLY_INITIALISER;
	struct tally_seat *seat[SEATS];
	for (unsigned i = 0; i < SEATS; i++)
		seat[i] = tally_join(&t);
	assert_int_equal(tally_approximate_error(&t), SEATS * TALLY_BATCH);
	uint64_t counted = 0, furthest = 0, last = 0;
	for (unsigned round = 0; round < 10 * TALLY_BATCH; round++)
		for (unsigned i = 0; i < SEATS; i++) {
			tally_add_batched(seat[i]);
			counted++;
			uint64_t about = tally_approximate(&t), value = tally_value(&t);
			assert_int_equal(value, counted);
			assert_true(about <= value && about >= last);
			assert_true(value - about < tally_approximate_error(&t));
			furthest = value - about > furthest ? value - about : furthest;
			last = about;
		}
	assert_int_equal(furthest, SEATS * (TALLY_BATCH - 1)); /* the bound is as near as it can be */
	/* Counted otherwise, they are passed on with the next batch. */
	for (unsigned i = 0; i < 3 * TALLY_BATCH; i++)
		tally_add(seat[0]);
	tally_add_batched(seat[0]);
	assert_int_equal(tally_value(&t) - tally_approximate(&t), 0);
	tally_step(&t);
	assert_int_equal(tally_value(&t) - tally_approximate(&t), 0);
	tally_close(&t);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void tickets_go_on_in_the_next_owners_hands(void **state)
{
	(void)state;
	enum { FIRST = TALLY_BLOCK / 2, MANY = 3 * TALLY_BLOCK };
	struct tally t = TALLY_INITIALISER;
	static uint64_t ticket[FIRST + MANY];
	other_counts(&t, FIRST, ticket);
	other_counts(&t, MANY, ticket + FIRST);
	/* One thread after another in one seat: not a number is left out. */
	for (uint64_t i = 0; i < FIRST + MANY; i++)
		assert_int_equal(ticket[i], i + 1);
	assert_int_equal(tally_value(&t), FIRST + MANY);
	/* Two seats at a time: unique, and with gaps. */
	struct tally_seat *a = tally_join(&t), *b = tally_join(&t);
	uint64_t from_a = tally_ticket(a), from_b = tally_ticket(b);
	assert_int_equal(from_a, FIRST + MANY + 1);
	assert_true(from_b > from_a + 1);
	/* An increment that wants no ticket leaves one out. */
	tally_add(a);
	assert_int_equal(tally_ticket(a), from_a + 2);
	tally_close(&t);
}

enum { THREADS = 24, ROUNDS = 40, EACH = 500 };

struct crowd {
	struct tally t;
	uint64_t stop; /* atomic */
	uint64_t wrong;
	uint64_t *tickets;
};

struct member {
	struct crowd *crowd;
	unsigned number;
	pthread_t thread;
};

static void *come_and_go(void *arg)
{
	struct member *m = arg;
	struct crowd *c = m->crowd;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct tally_seat *seat = tally_join(&c->t);
		if (!seat)
			return NULL;
		for (unsigned i = 0; i < EACH; i++)
			if (m->number % 3 == 0)
				tally_add_batched(seat);
			else if (m->number % 3 == 1)
				c->tickets[(m->number * ROUNDS + round) * EACH + i] = tally_ticket(seat);
			else
				tally_step(&c->t);
		tally_leave(seat);
	}
	return NULL;
}

static void *watch(void *arg)
{
	struct crowd *c = arg;
	uint64_t last = 0, last_about = 0;
	/* relaxed: a flag alone. */
	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		uint64_t about = tally_approximate(&c->t), value = tally_value_fenced(&c->t);
		c->wrong += value < last || about > value || about < last_about;
		last = value;
		last_about = about;
	}
	return NULL;
}

static void threads_come_and_go(void **state)
{
	(void)state;
	struct crowd c = {.t = TALLY_INITIALISER};
	struct member members[THREADS];
	pthread_t watcher;
	c.tickets = calloc(THREADS * ROUNDS * EACH, sizeof *c.tickets);
	assert_non_null(c.tickets);
	assert_int_equal(pthread_create(&watcher, NULL, watch, &c), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		members[i] = (struct member){.crowd = &c, .number = i};
		assert_int_equal(pthread_create(&members[i].thread, NULL, come_and_go, &members[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(members[i].thread, NULL), 0);
	__atomic_store_n(&c.stop, 1, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(watcher, NULL), 0);
	assert_int_equal(c.wrong, 0);
	assert_int_equal(tally_value(&c.t), THREADS * ROUNDS * EACH);
	assert_int_equal(c.t.steps, THREADS / 3 * ROUNDS * EACH);
	assert_true(c.t.seats <= THREADS); /* seats are taken again */
	qsort(c.tickets, THREADS * ROUNDS * EACH, sizeof *c.tickets, by_number);
	size_t given = 0;
	for (size_t i = 0; i < THREADS * ROUNDS * EACH; i++) {
		given += c.tickets[i] != 0;
		if (i > 0 && c.tickets[i] != 0)
			assert_true(c.tickets[i] > c.tickets[i - 1]);
	}
	assert_int_equal(given, THREADS / 3 * ROUNDS * EACH);
	__real_free(c.tickets);
	tally_close(&c.t);
	no_memory_left(&c.t);
}

/* ---- the teller */

enum { RECORD = 4096 };

struct screen {
	struct tally t;
	struct teller teller;
	struct tally_seat *seat;
	uint64_t told[RECORD];
	size_t count;
	int inside; /* atomic; how many threads tell */
	unsigned wrong;
	bool parks;  /* the next telling waits for `go` */
	bool counts; /* each telling counts one more */
	sem_t parked, go;
};

static void show(void *arg, uint64_t done)
{
	struct screen *s = arg;
	s->wrong += __atomic_fetch_add(&s->inside, 1, __ATOMIC_RELAXED) != 0;
	if (s->parks) {
		s->parks = false;
		sem_post(&s->parked);
		sem_wait(&s->go);
	}
	if (s->count < RECORD)
		s->told[s->count++] = done;
	if (s->counts && done < 5)
		teller_add(&s->teller, s->seat);
	__atomic_fetch_sub(&s->inside, 1, __ATOMIC_RELAXED);
}

static void screen_open(struct screen *s, uint64_t every_ns)
{
	*s = (struct screen){.t = TALLY_INITIALISER};
	s->teller = (struct teller)TELLER_INITIALISER(&s->t, show, s, every_ns);
	s->seat = tally_join(&s->t);
	sem_init(&s->parked, 0, 0);
	sem_init(&s->go, 0, 0);
}

static void screen_close(struct screen *s, const char *expected)
{
	char told[256] = "";
	for (size_t i = 0; i < s->count; i++)
		snprintf(told + strlen(told), sizeof told - strlen(told), "%s%llu", i ? " " : "", (unsigned long long)s->told[i]);
	assert_int_equal(s->wrong, 0);
	if (expected)
		assert_string_equal(told, expected);
	for (size_t i = 1; i < s->count; i++)
		assert_true(s->told[i] > s->told[i - 1]);
	if (s->count > 0)
		assert_int_equal(s->told[s->count - 1], tally_value(&s->t));
	tally_close(&s->t);
}

static void a_short_batch_is_told_step_by_step(void **state)
{
	(void)state;
	static struct screen s;
	screen_open(&s, TELLER_MS(1000000));
	for (int i = 0; i < 10; i++)
		teller_add(&s.teller, s.seat);
	teller_tell(&s.teller);
	teller_tell(&s.teller); /* nothing new */
	screen_close(&s, "1 2 3 4 5 6 7 8 9 10");
}

static void nothing_is_told_of_nothing(void **state)
{
	(void)state;
	static struct screen s;
	screen_open(&s, 0);
	teller_tell(&s.teller);
	screen_close(&s, "");
}

static void a_long_batch_is_told_now_and_then(void **state)
{
	(void)state;
	static struct screen s;
	screen_open(&s, TELLER_MS(1000000)); /* far longer than this test */
	for (int i = 0; i < 100000; i++)
		teller_add(&s.teller, s.seat);
	/* The first ones, one when the clock is first asked, and the total. */
	assert_int_equal(s.count, TELLER_FIRST + 1);
	assert_in_range(s.seat->pace.stride, 1, TELLER_STRIDE_MAX);
	teller_tell(&s.teller);
	assert_int_equal(s.count, TELLER_FIRST + 2);
	screen_close(&s, NULL);
}

static void without_an_interval_all_is_told(void **state)
{
	(void)state;
	static struct screen s;
	screen_open(&s, 0);
	for (int i = 0; i < 1000; i++)
		teller_add(&s.teller, s.seat);
	assert_int_equal(s.count, 1000);
	screen_close(&s, NULL);
}

static void what_comes_while_telling_is_told_next(void **state)
{
	(void)state;
	static struct screen s;
	screen_open(&s, 0);
	s.counts = true;
	teller_add(&s.teller, s.seat);
	screen_close(&s, "1 2 3 4 5");
}

static void *add_one(void *arg)
{
	struct screen *s = arg;
	teller_add(&s->teller, s->seat);
	return NULL;
}

static void a_suspended_teller_stops_nobody(void **state)
{
	(void)state;
	static struct screen s;
	pthread_t suspended;
	screen_open(&s, 0);
	s.parks = true;
	assert_int_equal(pthread_create(&suspended, NULL, add_one, &s), 0);
	sem_wait(&s.parked);
	/* It is inside of the front end with its 1. We count and offer meanwhile, from here and from the other file. */
	struct tally_seat *mine = tally_join(&s.t);
	for (int i = 0; i < 5; i++)
		teller_add(&s.teller, mine);
	other_offers(&s.teller, 4); /* less than was offered */
	teller_tell(&s.teller);
	assert_int_equal(s.count, 0);
	sem_post(&s.go);
	assert_int_equal(pthread_join(suspended, NULL), 0);
	screen_close(&s, "1 6");
}

static void *add_many(void *arg)
{
	struct screen *s = arg;
	struct tally_seat *seat = tally_join(&s->t);
	for (int i = 0; seat && i < 1000; i++)
		teller_add(&s->teller, seat);
	if (seat)
		tally_leave(seat);
	return NULL;
}

static void many_tell_in_order(void **state)
{
	(void)state;
	enum { WORKERS = 4 };
	static struct screen s;
	pthread_t worker[WORKERS];
	screen_open(&s, 0);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&worker[i], NULL, add_many, &s), 0);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_join(worker[i], NULL), 0);
	teller_tell(&s.teller);
	assert_int_equal(tally_value(&s.t), WORKERS * 1000);
	screen_close(&s, NULL);
}

/* ---- a line for each CPU */

static int count_percpu(int expected)
{
	struct tally_percpu t = TALLY_PERCPU_INITIALISER;
	tally_percpu_add(&t); /* before it is opened: on the shared word */
	if (tally_percpu_value(&t) != 1)
		return 1;
	int why = tally_percpu_open(&t);
	for (int i = 0; i < 1000; i++)
		tally_percpu_add(&t);
	int wrong = why != expected || tally_percpu_value(&t) != 1000 || (why == ENOSYS) != (t.elsewhere == 1000);
	tally_percpu_close(&t);
	return wrong;
}

static void counts_per_cpu(void **state)
{
	(void)state;
	int expected = ENOSYS;
#if TALLY_HAS_PERCPU
	expected = __rseq_size == 0 ? ENOSYS : 0;
#endif
	assert_int_equal(count_percpu(expected), 0);
	no_memory_left(NULL);
}

static void counts_where_rseq_is_missing(void **state)
{
	(void)state;
	assert_int_equal(other_counts_without_rseq(), 0); /* when it was compiled */
	char program[] = "/proc/self/exe", argument[] = "no-rseq", tunables[] = "GLIBC_TUNABLES=glibc.pthread.rseq=0";
	char *argv[] = {program, argument, NULL}, *environment[] = {tunables, NULL};
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		execve(program, argv, environment);
		_exit(127);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "no-rseq") == 0)
		_exit(count_percpu(ENOSYS));
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_memory_is_a_tally),
		cmocka_unit_test(every_seat_is_a_place_of_its_own),
		cmocka_unit_test(places_cover_all_seats),
		cmocka_unit_test(says_when_there_is_no_seat),
		cmocka_unit_test(counts_kept_by_the_thread_are_published),
		cmocka_unit_test(approximate_stays_within_its_bound),
		cmocka_unit_test(tickets_go_on_in_the_next_owners_hands),
		cmocka_unit_test(threads_come_and_go),
		cmocka_unit_test(nothing_is_told_of_nothing),
		cmocka_unit_test(a_short_batch_is_told_step_by_step),
		cmocka_unit_test(a_long_batch_is_told_now_and_then),
		cmocka_unit_test(without_an_interval_all_is_told),
		cmocka_unit_test(what_comes_while_telling_is_told_next),
		cmocka_unit_test(a_suspended_teller_stops_nobody),
		cmocka_unit_test(many_tell_in_order),
		cmocka_unit_test(counts_per_cpu),
		cmocka_unit_test(counts_where_rseq_is_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
