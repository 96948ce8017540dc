/* SPDX-License-Identifier: MIT */
/* Correct programs: one thread hands data to others through atomics. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static int data, other_data; /* plain: that there is no race is what the programs are about */
static _Atomic int flag, x, y;

static void fresh(void)
{
	data = other_data = 0;
	atomic_init(&flag, 0);
	atomic_init(&x, 0);
	atomic_init(&y, 0);
}

/* --- a flag ----------------------------------------------------------------------------------------------------------------- */

static void release_writer(void)
{
	data = 1;
	atomic_store_explicit(&flag, 1, memory_order_release);
}
static void acquire_reader(void)
{
	if (atomic_load_explicit(&flag, memory_order_acquire))
		must(data == 1);
}
static void release_acquire(void)
{
	fresh();
	TOGETHER(release_writer, acquire_reader);
}

static void fence_writer(void)
{
	data = 1;
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&flag, 1, memory_order_relaxed);
}
static void fence_reader(void)
{
	if (atomic_load_explicit(&flag, memory_order_relaxed)) {
		atomic_thread_fence(memory_order_acquire);
		must(data == 1);
	}
}
static void fence_publication(void)
{
	fresh();
	TOGETHER(fence_writer, fence_reader);
}
static void fence_and_acquire(void)
{
	fresh();
	TOGETHER(fence_writer, acquire_reader, acquire_reader);
}

static void consume_reader(void)
{
	if (atomic_load_explicit(&flag, memory_order_consume))
		must(data == 1);
}
static void consume_as_acquire(void)
{
	fresh();
	TOGETHER(release_writer, consume_reader);
}

/* A relaxed update continues the release sequence. */
static void bump(void)
{
	atomic_fetch_add_explicit(&flag, 2, memory_order_relaxed);
}
static void odd_reader(void)
{
	if (atomic_load_explicit(&flag, memory_order_acquire) & 1)
		must(data == 1);
}
static void add_writer(void)
{
	data = 1;
	atomic_fetch_add_explicit(&flag, 1, memory_order_release);
}
static void release_sequence(void)
{
	fresh();
	TOGETHER(add_writer, bump, odd_reader);
}

static void wait_for_flag(void)
{
	while (!atomic_load_explicit(&flag, memory_order_acquire))
		continue;
	must(data == 1);
}
static void spin_on_flag(void)
{
	fresh();
	TOGETHER(release_writer, wait_for_flag);
}

static atomic_flag claimed;
static void claim_once(void)
{
	if (!atomic_flag_test_and_set_explicit(&claimed, memory_order_relaxed))
		data++;
}
static void one_claims(void)
{
	fresh();
	atomic_flag_clear(&claimed);
	TOGETHER(claim_once, claim_once, claim_once);
	must(data == 1);
}

/* A stop flag: relaxed is enough where the result is read after the join. */
static void work_until_stopped(void)
{
	do
		data++;
	while (!atomic_load_explicit(&flag, memory_order_relaxed) && data < 3);
}
static void stop(void)
{
	atomic_store_explicit(&flag, 1, memory_order_relaxed);
}
static void stop_flag(void)
{
	fresh();
	TOGETHER(work_until_stopped, stop);
	must(data >= 1 && data <= 3);
}

/* Two threads pass the turn back and forth. */
static void ping(void)
{
	for (int i = 0; i < 2; i++) {
		while (atomic_load_explicit(&flag, memory_order_acquire) != 2 * i)
			continue;
		data++;
		atomic_store_explicit(&flag, 2 * i + 1, memory_order_release);
	}
}
static void pong(void)
{
	for (int i = 0; i < 2; i++) {
		while (atomic_load_explicit(&flag, memory_order_acquire) != 2 * i + 1)
			continue;
		must(data == 2 * i + 1);
		data++;
		atomic_store_explicit(&flag, 2 * i + 2, memory_order_release);
	}
}
static void ping_pong(void)
{
	fresh();
	TOGETHER(ping, pong);
	must(data == 4);
}

/* Who finds the flag set has given its data to whoever clears it. */
static _Atomic int was_set;
static void set_first(void)
{
	atomic_exchange(&flag, 1);
}
static void set_again(void)
{
	data = 1;
	if (atomic_exchange(&flag, 1))
		atomic_store_explicit(&was_set, 1, memory_order_relaxed);
}
static void clear_flag(void)
{
	if (atomic_exchange(&flag, 0) && atomic_load_explicit(&was_set, memory_order_relaxed))
		must(data == 1);
}
static void dirty_flag(void)
{
	fresh();
	atomic_init(&was_set, 0);
	TOGETHER(set_first, set_again, clear_flag);
}

/* --- seq_cst: who comes second sees the first ------------------------------------------------------------------------------------ */

static void dekker_x(void)
{
	atomic_store(&x, 1);
	if (!atomic_load(&y))
		data++;
}
static void dekker_y(void)
{
	atomic_store(&y, 1);
	if (!atomic_load(&x))
		data++;
}
static void dekker(void)
{
	fresh();
	TOGETHER(dekker_x, dekker_y);
	must(data <= 1);
}

static void dekker_fence(_Atomic int *mine, _Atomic int *other)
{
	atomic_store_explicit(mine, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(other, memory_order_relaxed))
		data++;
}
static void dekker_fence_x(void)
{
	dekker_fence(&x, &y);
}
static void dekker_fence_y(void)
{
	dekker_fence(&y, &x);
}
static void dekker_with_fences(void)
{
	fresh();
	TOGETHER(dekker_fence_x, dekker_fence_y);
	must(data <= 1);
}

/* Peterson (1981), with seq_cst accesses. */
static _Atomic int wants[2], turn;
static void peterson(int me)
{
	atomic_store(&wants[me], 1);
	atomic_store(&turn, 1 - me);
	while (atomic_load(&wants[1 - me]) && atomic_load(&turn) == 1 - me)
		continue;
	data++;
	atomic_store(&wants[me], 0);
}
static void peterson_0(void)
{
	peterson(0);
}
static void peterson_1(void)
{
	peterson(1);
}
static void petersons_lock(void)
{
	fresh();
	atomic_init(&wants[0], 0);
	atomic_init(&wants[1], 0);
	atomic_init(&turn, 0);
	TOGETHER(peterson_0, peterson_1);
	must(data == 2);
}

/* --- a seqlock of atomics (Boehm, MSPC 2012) ------------------------------------------------------------------------------------- */

static void seqlock_write(void)
{
	int sequence = atomic_load_explicit(&flag, memory_order_relaxed);
	atomic_store_explicit(&flag, sequence + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release); /* the odd number before the data */
	atomic_store_explicit(&x, 1, memory_order_relaxed);
	atomic_store_explicit(&y, 1, memory_order_relaxed);
	atomic_store_explicit(&flag, sequence + 2, memory_order_release);
}
static void seqlock_read(void)
{
	int before = atomic_load_explicit(&flag, memory_order_acquire);
	int a = atomic_load_explicit(&x, memory_order_relaxed), b = atomic_load_explicit(&y, memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire); /* the data before the second look */
	if (!(before & 1) && before == atomic_load_explicit(&flag, memory_order_relaxed))
		must(a == b);
}
static void seqlock(void)
{
	fresh();
	TOGETHER(seqlock_write, seqlock_read);
}
static void seqlock_two_readers(void)
{
	fresh();
	TOGETHER(seqlock_write, seqlock_read, seqlock_read);
}

/* --- pointers ------------------------------------------------------------------------------------------------------------------ */

struct pair {
	int a, b;
};
static _Atomic(struct pair *) shared;
static _Atomic(struct pair *) hazard;
static struct pair *retired;

static struct pair *make_pair(int value)
{
	struct pair *p = malloc(sizeof *p);
	must(p);
	p->a = p->b = value;
	return p;
}

static void look_at_pair(void)
{
	struct pair *p = atomic_load_explicit(&shared, memory_order_acquire);
	if (p)
		must(p->a == p->b);
}
static void give_pair(void)
{
	atomic_store_explicit(&shared, make_pair(1), memory_order_release);
}
static void pointer_publication(void)
{
	atomic_init(&shared, NULL);
	TOGETHER(give_pair, look_at_pair);
	free(atomic_load(&shared));
}

/* Read-copy-update: the old version is freed when all readers have ended. */
static void replace_pair(void)
{
	retired = atomic_exchange_explicit(&shared, make_pair(2), memory_order_acq_rel);
}
static void rcu_with_join(void)
{
	retired = NULL;
	atomic_init(&shared, make_pair(1));
	TOGETHER(replace_pair, look_at_pair, look_at_pair);
	free(retired);
	free(atomic_load(&shared));
}

/* A hazard pointer (Michael, 2004): the reader says what it uses, then looks again; the writer frees only what nobody uses. */
static void hazard_reader(void)
{
	struct pair *p = atomic_load(&shared);
	atomic_store(&hazard, p);
	if (atomic_load(&shared) == p)
		must(p->a == p->b);
	atomic_store_explicit(&hazard, NULL, memory_order_release);
}
static void hazard_writer(void)
{
	struct pair *old = atomic_exchange(&shared, make_pair(2));
	if (atomic_load(&hazard) == old)
		retired = old;
	else
		free(old);
}
static void hazard_pointer(void)
{
	retired = NULL;
	atomic_init(&shared, make_pair(1));
	atomic_init(&hazard, NULL);
	TOGETHER(hazard_reader, hazard_writer);
	free(retired);
	free(atomic_load(&shared));
}

/* The last to let go frees (Boost's order: release to let go, acquire before the end). */
struct counted {
	_Atomic int references;
	int value[2];
};
static struct counted *object;
static void let_go(void)
{
	if (atomic_fetch_sub_explicit(&object->references, 1, memory_order_release) == 1) {
		atomic_thread_fence(memory_order_acquire);
		free(object);
	}
}
static void use_0(void)
{
	object->value[0] = 1;
	let_go();
}
static void use_1(void)
{
	object->value[1] = 1;
	let_go();
}
static void reference_count(void)
{
	object = malloc(sizeof *object);
	must(object);
	atomic_init(&object->references, 2);
	TOGETHER(use_0, use_1);
	object = NULL;
}

/* The writer fills the half that nobody reads, then turns round. */
static int halves[2];
static void fill_other_half(void)
{
	halves[1] = 7;
	atomic_store_explicit(&flag, 1, memory_order_release);
}
static void read_current_half(void)
{
	int current = atomic_load_explicit(&flag, memory_order_acquire);
	must(halves[current] == (current ? 7 : 3));
}
static void double_buffer(void)
{
	fresh();
	halves[0] = 3;
	halves[1] = 0;
	TOGETHER(fill_other_half, read_current_half, read_current_half);
}

/* --- once ----------------------------------------------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void get_double_checked(void)
{
	if (!atomic_load_explicit(&flag, memory_order_acquire)) {
		must(!pthread_mutex_lock(&mutex));
		if (!atomic_load_explicit(&flag, memory_order_relaxed)) {
			data++;
			atomic_store_explicit(&flag, 1, memory_order_release);
		}
		must(!pthread_mutex_unlock(&mutex));
	}
	must(data == 1);
}
static void double_checked(void)
{
	fresh();
	TOGETHER(get_double_checked, get_double_checked);
}

static void get_cas_publish(void)
{
	struct pair *winner = atomic_load_explicit(&shared, memory_order_acquire);
	if (!winner) {
		struct pair *mine = make_pair(1);
		if (atomic_compare_exchange_strong_explicit(&shared, &winner, mine, memory_order_acq_rel, memory_order_acquire))
			winner = mine;
		else
			free(mine);
	}
	must(winner->a == 1 && winner->b == 1);
}
static void cas_publish(void)
{
	atomic_init(&shared, NULL);
	TOGETHER(get_cas_publish, get_cas_publish);
	free(atomic_load(&shared));
}

/* Empty 0, being filled 1, full 2. */
static void get_cell(void)
{
	int state = 0;
	if (atomic_compare_exchange_strong_explicit(&flag, &state, 1, memory_order_relaxed, memory_order_relaxed)) {
		data++;
		atomic_store_explicit(&flag, 2, memory_order_release);
	}
	while (atomic_load_explicit(&flag, memory_order_acquire) != 2)
		continue;
	must(data == 1);
}
static void once_cell(void)
{
	fresh();
	TOGETHER(get_cell, get_cell);
}

/* --- counting and telling ----------------------------------------------------------------------------------------------------- */

static void count_x(void)
{
	atomic_fetch_add_explicit(&x, 1, memory_order_relaxed);
}
static void watch_x(void)
{
	int first = atomic_load_explicit(&x, memory_order_relaxed);
	must(atomic_load_explicit(&x, memory_order_relaxed) >= first); /* read-read coherence */
}
static void monotone_counter(void)
{
	fresh();
	TOGETHER(count_x, count_x, watch_x);
	must(atomic_load(&x) == 2);
}

static _Atomic int shards[2];
static void shard_0(void)
{
	atomic_store_explicit(&shards[0], 1, memory_order_release);
}
static void shard_1(void)
{
	atomic_store_explicit(&shards[1], 1, memory_order_release);
}
static void sum_twice(void)
{
	int sum[2];
	for (int i = 0; i < 2; i++)
		sum[i] = atomic_load_explicit(&shards[0], memory_order_acquire) +
			 atomic_load_explicit(&shards[1], memory_order_acquire);
	must(sum[0] <= sum[1]);
}
static void sharded_counter(void)
{
	atomic_init(&shards[0], 0);
	atomic_init(&shards[1], 0);
	TOGETHER(shard_0, shard_1, sum_twice);
	must(atomic_load(&shards[0]) + atomic_load(&shards[1]) == 2);
}

/* A number is told only if it is the highest so far. */
static void tell_highest(void)
{
	int step = atomic_fetch_add_explicit(&x, 1, memory_order_relaxed) + 1;
	int told = atomic_load_explicit(&y, memory_order_relaxed);
	while (told < step && !atomic_compare_exchange_weak_explicit(&y, &told, step, memory_order_relaxed, memory_order_relaxed))
		continue;
}
static void watch_y(void)
{
	int first = atomic_load_explicit(&y, memory_order_relaxed);
	must(atomic_load_explicit(&y, memory_order_relaxed) >= first);
}
static void monotone_teller(void)
{
	fresh();
	TOGETHER(tell_highest, tell_highest, watch_y);
	must(atomic_load(&y) == 2);
}

/* Counts down; the last to arrive publishes for all, since each update is part of the others' release sequences. */
static void arrive_0(void)
{
	data = 1;
	atomic_fetch_sub_explicit(&x, 1, memory_order_release);
}
static void arrive_1(void)
{
	other_data = 1;
	atomic_fetch_sub_explicit(&x, 1, memory_order_release);
}
static void wait_for_all(void)
{
	while (atomic_load_explicit(&x, memory_order_acquire))
		continue;
	must(data == 1 && other_data == 1);
}
static void latch(void)
{
	fresh();
	atomic_init(&x, 2);
	TOGETHER(arrive_0, arrive_1, wait_for_all);
}

/* A barrier that can be used again: the last to arrive turns the sense. */
static void pass_barrier(int sense)
{
	if (atomic_fetch_add_explicit(&x, 1, memory_order_acq_rel) == 1) {
		atomic_store_explicit(&x, 0, memory_order_relaxed);
		atomic_store_explicit(&y, sense, memory_order_release);
	} else {
		while (atomic_load_explicit(&y, memory_order_acquire) != sense)
			continue;
	}
}
static void phase_0(void)
{
	data = 1;
	pass_barrier(1);
	must(other_data == 1);
	pass_barrier(0);
	data = 2;
}
static void phase_1(void)
{
	other_data = 1;
	pass_barrier(1);
	must(data == 1);
	pass_barrier(0);
	other_data = 2;
}
static void sense_barrier(void)
{
	fresh();
	TOGETHER(phase_0, phase_1);
	must(data == 2 && other_data == 2);
}

static void forget(void)
{
	atomic_init(&shared, NULL);
	atomic_init(&hazard, NULL);
	retired = NULL;
	object = NULL;
}

static const struct suite_program programs[] = {
	{"release_acquire", release_acquire, .proved = true},
	{"fence_publication", fence_publication, .proved = true},
	{"fence_and_acquire", fence_and_acquire, .proved = true},
	{"consume_as_acquire", consume_as_acquire, .proved = true},
	{"release_sequence", release_sequence, .proved = true},
	{"spin_on_flag", spin_on_flag, .proved = true},
	{"one_claims", one_claims, .proved = true},
	{"stop_flag", stop_flag, .proved = true},
	{"ping_pong", ping_pong, .proved = true},
	{"dirty_flag", dirty_flag, .proved = true},
	{"dekker", dekker, .proved = true},
	{"dekker_with_fences", dekker_with_fences, .proved = true},
	{"petersons_lock", petersons_lock, .proved = true},
	{"seqlock", seqlock, .proved = true},
	{"seqlock_two_readers", seqlock_two_readers, .proved = true},
	{"pointer_publication", pointer_publication, .proved = true},
	{"rcu_with_join", rcu_with_join, .proved = true},
	{"hazard_pointer", hazard_pointer, .proved = true},
	{"reference_count", reference_count, .proved = true},
	{"double_buffer", double_buffer, .proved = true},
	{"double_checked", double_checked, .proved = true},
	{"cas_publish", cas_publish, .proved = true},
	{"once_cell", once_cell, .proved = true},
	{"monotone_counter", monotone_counter, .proved = true},
	{"sharded_counter", sharded_counter, .proved = true},
	{"monotone_teller", monotone_teller, .proved = true},
	{"latch", latch, .proved = true},
	{"sense_barrier", sense_barrier, .proved = true},
};
SUITE_GROUP(correct_publication, programs, forget);
