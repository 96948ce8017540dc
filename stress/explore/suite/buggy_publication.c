/* SPDX-License-Identifier: MIT */
/* Buggy programs: the smallest changes that break the hand-over of data through atomics. Compare correct_publication.c. */
#include <stdatomic.h>
#include <stdlib.h>

#include "suite.h"

static int data, other_data, plain_flag;
static _Atomic int flag, x, y;

static void fresh(void)
{
	data = other_data = plain_flag = 0;
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
static void relaxed_writer(void)
{
	data = 1;
	atomic_store_explicit(&flag, 1, memory_order_relaxed);
}
static void relaxed_reader(void)
{
	if (atomic_load_explicit(&flag, memory_order_relaxed))
		must(data == 1);
}
static void relaxed_store(void)
{
	fresh();
	TOGETHER(relaxed_writer, acquire_reader);
}
static void relaxed_load(void)
{
	fresh();
	TOGETHER(release_writer, relaxed_reader);
}

static void set_plain_flag(void)
{
	data = 1;
	plain_flag = 1;
}
static void read_plain_flag(void)
{
	if (plain_flag)
		must(data == 1);
}
static void plain_publication(void)
{
	fresh();
	TOGETHER(set_plain_flag, read_plain_flag);
}

/* volatile orders nothing between threads. */
static volatile int volatile_flag;
static void set_volatile_flag(void)
{
	data = 1;
	volatile_flag = 1;
}
static void read_volatile_flag(void)
{
	if (volatile_flag)
		must(data == 1);
}
static void volatile_publication(void)
{
	fresh();
	volatile_flag = 0;
	TOGETHER(set_volatile_flag, read_volatile_flag);
}

static void early_writer(void)
{
	atomic_store_explicit(&flag, 1, memory_order_release);
	data = 1;
}
static void flag_before_data(void)
{
	fresh();
	TOGETHER(early_writer, acquire_reader);
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
static void late_fence_writer(void)
{
	data = 1;
	atomic_store_explicit(&flag, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}
static void fence_behind_store(void)
{
	fresh();
	TOGETHER(late_fence_writer, fence_reader);
}
static void fence_missing_in_reader(void)
{
	fresh();
	TOGETHER(fence_writer, relaxed_reader);
}
/* A signal fence keeps the compiler from reordering, not the machine. */
static void signal_fence_writer(void)
{
	data = 1;
	atomic_signal_fence(memory_order_release);
	atomic_store_explicit(&flag, 1, memory_order_relaxed);
}
static void signal_fence(void)
{
	fresh();
	TOGETHER(signal_fence_writer, fence_reader);
}

/* A plain store by another thread ends the release sequence. */
static void overwrite(void)
{
	atomic_store_explicit(&flag, 2, memory_order_relaxed);
}
static void broken_release_sequence(void)
{
	fresh();
	TOGETHER(release_writer, overwrite, acquire_reader);
}

/* Message passing through relaxed atomics: no data race at all. */
static void relaxed_data_writer(void)
{
	atomic_store_explicit(&x, 1, memory_order_relaxed);
	atomic_store_explicit(&flag, 1, memory_order_relaxed);
}
static void relaxed_data_reader(void)
{
	if (atomic_load_explicit(&flag, memory_order_acquire))
		must(atomic_load_explicit(&x, memory_order_relaxed) == 1);
}
static void relaxed_message(void)
{
	fresh();
	TOGETHER(relaxed_data_writer, relaxed_data_reader);
}

static void wait_for_nobody(void)
{
	while (!atomic_load_explicit(&flag, memory_order_acquire))
		continue;
}
static void set_other_flag(void)
{
	atomic_store_explicit(&x, 1, memory_order_release);
}
static void spin_for_ever(void)
{
	fresh();
	TOGETHER(wait_for_nobody, set_other_flag);
}

/* --- who comes second sees the first? ------------------------------------------------------------------------------------------- */

static _Atomic int entered;
static void enter(_Atomic int *mine, _Atomic int *other, memory_order store, memory_order load)
{
	atomic_store_explicit(mine, 1, store);
	if (!atomic_load_explicit(other, load))
		atomic_fetch_add_explicit(&entered, 1, memory_order_relaxed);
}
static void relaxed_x(void)
{
	enter(&x, &y, memory_order_relaxed, memory_order_relaxed);
}
static void relaxed_y(void)
{
	enter(&y, &x, memory_order_relaxed, memory_order_relaxed);
}
static void dekker_relaxed(void)
{
	fresh();
	atomic_init(&entered, 0);
	TOGETHER(relaxed_x, relaxed_y);
	must(atomic_load(&entered) <= 1);
}
static void acquire_x(void)
{
	enter(&x, &y, memory_order_release, memory_order_acquire);
}
static void acquire_y(void)
{
	enter(&y, &x, memory_order_release, memory_order_acquire);
}
static void dekker_acquire(void)
{
	fresh();
	atomic_init(&entered, 0);
	TOGETHER(acquire_x, acquire_y);
	must(atomic_load(&entered) <= 1);
}
/* The fence is missing on one side. */
static void fenced_x(void)
{
	atomic_store_explicit(&x, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&y, memory_order_relaxed))
		atomic_fetch_add_explicit(&entered, 1, memory_order_relaxed);
}
static void dekker_one_fence(void)
{
	fresh();
	atomic_init(&entered, 0);
	TOGETHER(fenced_x, relaxed_y);
	must(atomic_load(&entered) <= 1);
}

static _Atomic int wants[2], turn;
static void peterson(int me)
{
	atomic_store_explicit(&wants[me], 1, memory_order_release);
	atomic_store_explicit(&turn, 1 - me, memory_order_release);
	while (atomic_load_explicit(&wants[1 - me], memory_order_acquire) &&
		atomic_load_explicit(&turn, memory_order_acquire) == 1 - me)
		continue;
	data++;
	atomic_store_explicit(&wants[me], 0, memory_order_release);
}
static void peterson_0(void)
{
	peterson(0);
}
static void peterson_1(void)
{
	peterson(1);
}
static void petersons_lock_acquire(void)
{
	fresh();
	atomic_init(&wants[0], 0);
	atomic_init(&wants[1], 0);
	atomic_init(&turn, 0);
	TOGETHER(peterson_0, peterson_1);
}

/* Two observers disagree on the order of two stores. */
static _Atomic int order[2];
static void store_x(void)
{
	atomic_store_explicit(&x, 1, memory_order_release);
}
static void store_y(void)
{
	atomic_store_explicit(&y, 1, memory_order_release);
}
static void observe_xy(void)
{
	int first = atomic_load_explicit(&x, memory_order_acquire), second = atomic_load_explicit(&y, memory_order_acquire);
	atomic_store_explicit(&order[0], first && !second, memory_order_relaxed);
}
static void observe_yx(void)
{
	int first = atomic_load_explicit(&y, memory_order_acquire), second = atomic_load_explicit(&x, memory_order_acquire);
	atomic_store_explicit(&order[1], first && !second, memory_order_relaxed);
}
static void observers_disagree(void)
{
	fresh();
	atomic_init(&order[0], 0);
	atomic_init(&order[1], 0);
	TOGETHER(store_x, store_y, observe_xy, observe_yx);
	must(!atomic_load(&order[0]) || !atomic_load(&order[1]));
}

/* --- seqlocks ------------------------------------------------------------------------------------------------------------------------ */

static void seqlock_write(void)
{
	int sequence = atomic_load_explicit(&flag, memory_order_relaxed);
	atomic_store_explicit(&flag, sequence + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&x, 1, memory_order_relaxed);
	atomic_store_explicit(&y, 1, memory_order_relaxed);
	atomic_store_explicit(&flag, sequence + 2, memory_order_release);
}
static void seqlock_read_unfenced(void)
{
	int before = atomic_load_explicit(&flag, memory_order_acquire);
	int a = atomic_load_explicit(&x, memory_order_relaxed), b = atomic_load_explicit(&y, memory_order_relaxed);
	if (!(before & 1) && before == atomic_load_explicit(&flag, memory_order_relaxed))
		must(a == b);
}
static void seqlock_without_reader_fence(void)
{
	fresh();
	TOGETHER(seqlock_write, seqlock_read_unfenced);
}
static void seqlock_write_unfenced(void)
{
	int sequence = atomic_load_explicit(&flag, memory_order_relaxed);
	atomic_store_explicit(&flag, sequence + 1, memory_order_relaxed);
	atomic_store_explicit(&x, 1, memory_order_relaxed);
	atomic_store_explicit(&y, 1, memory_order_relaxed);
	atomic_store_explicit(&flag, sequence + 2, memory_order_release);
}
static void seqlock_read(void)
{
	int before = atomic_load_explicit(&flag, memory_order_acquire);
	int a = atomic_load_explicit(&x, memory_order_relaxed), b = atomic_load_explicit(&y, memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	if (!(before & 1) && before == atomic_load_explicit(&flag, memory_order_relaxed))
		must(a == b);
}
static void seqlock_without_writer_fence(void)
{
	fresh();
	TOGETHER(seqlock_write_unfenced, seqlock_read);
}
static void seqlock_read_plain(void)
{
	int before = atomic_load_explicit(&flag, memory_order_acquire);
	int a = data, b = other_data;
	atomic_thread_fence(memory_order_acquire);
	if (!(before & 1) && before == atomic_load_explicit(&flag, memory_order_relaxed))
		must(a == b);
}
static void seqlock_write_plain(void)
{
	atomic_store_explicit(&flag, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	data = other_data = 1;
	atomic_store_explicit(&flag, 2, memory_order_release);
}
static void seqlock_of_plain_data(void)
{
	fresh();
	TOGETHER(seqlock_write_plain, seqlock_read_plain);
}

/* --- once ------------------------------------------------------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void get_plainly_checked(void)
{
	if (!plain_flag) {
		must(!pthread_mutex_lock(&mutex));
		if (!plain_flag) {
			data++;
			plain_flag = 1;
		}
		must(!pthread_mutex_unlock(&mutex));
	}
	must(data == 1);
}
static void double_checked_plain(void)
{
	fresh();
	TOGETHER(get_plainly_checked, get_plainly_checked);
}
static void get_relaxed_checked(void)
{
	if (!atomic_load_explicit(&flag, memory_order_relaxed)) {
		must(!pthread_mutex_lock(&mutex));
		if (!atomic_load_explicit(&flag, memory_order_relaxed)) {
			data++;
			atomic_store_explicit(&flag, 1, memory_order_relaxed);
		}
		must(!pthread_mutex_unlock(&mutex));
	}
	must(data == 1);
}
static void double_checked_relaxed(void)
{
	fresh();
	TOGETHER(get_relaxed_checked, get_relaxed_checked);
}
static void get_checked_once(void)
{
	if (!atomic_load_explicit(&flag, memory_order_acquire)) {
		must(!pthread_mutex_lock(&mutex));
		atomic_fetch_add_explicit(&x, 1, memory_order_relaxed); /* no second look */
		atomic_store_explicit(&flag, 1, memory_order_release);
		must(!pthread_mutex_unlock(&mutex));
	}
}
static void checked_once(void)
{
	fresh();
	TOGETHER(get_checked_once, get_checked_once);
	must(atomic_load(&x) == 1);
}
static void get_flag_first(void)
{
	if (!atomic_load_explicit(&flag, memory_order_acquire)) {
		must(!pthread_mutex_lock(&mutex));
		if (!atomic_load_explicit(&flag, memory_order_relaxed)) {
			atomic_store_explicit(&flag, 1, memory_order_release);
			data++;
		}
		must(!pthread_mutex_unlock(&mutex));
	}
	must(data == 1);
}
static void double_checked_flag_first(void)
{
	fresh();
	TOGETHER(get_flag_first, get_flag_first);
}

struct pair {
	int a, b;
};
static _Atomic(struct pair *) shared;
static struct pair *plain_shared;
static struct pair *make_pair(int value)
{
	struct pair *p = malloc(sizeof *p);
	must(p);
	p->a = p->b = value;
	return p;
}
static void get_lazily(void)
{
	if (!plain_shared)
		plain_shared = make_pair(1);
	must(plain_shared->a == 1);
}
static void lazy_init(void)
{
	plain_shared = NULL;
	TOGETHER(get_lazily, get_lazily);
	free(plain_shared);
	plain_shared = NULL;
}
/* The loser forgets its own. */
static void get_and_leak(void)
{
	struct pair *winner = atomic_load_explicit(&shared, memory_order_acquire);
	if (!winner) {
		struct pair *mine = make_pair(1);
		if (atomic_compare_exchange_strong_explicit(&shared, &winner, mine, memory_order_acq_rel, memory_order_acquire))
			winner = mine;
	}
	must(winner->a == 1);
}
static void cas_publish_leaks(void)
{
	atomic_init(&shared, NULL);
	TOGETHER(get_and_leak, get_and_leak);
	free(atomic_load(&shared));
	atomic_init(&shared, NULL);
}
static void get_relaxed_published(void)
{
	struct pair *winner = atomic_load_explicit(&shared, memory_order_relaxed);
	if (!winner) {
		struct pair *mine = make_pair(1);
		if (atomic_compare_exchange_strong_explicit(&shared, &winner, mine, memory_order_relaxed, memory_order_relaxed))
			winner = mine;
		else
			free(mine);
	}
	must(winner->a == 1);
}
static void cas_publish_relaxed(void)
{
	atomic_init(&shared, NULL);
	TOGETHER(get_relaxed_published, get_relaxed_published);
	free(atomic_load(&shared));
	atomic_init(&shared, NULL);
}
/* Two look, two store: the second instance replaces the first, which somebody may have. */
static void get_by_store(void)
{
	struct pair *p = atomic_load_explicit(&shared, memory_order_acquire);
	if (!p) {
		p = make_pair(1);
		atomic_store_explicit(&shared, p, memory_order_release);
	}
	must(atomic_load_explicit(&shared, memory_order_acquire) == p);
}
static void two_instances(void)
{
	atomic_init(&shared, NULL);
	TOGETHER(get_by_store, get_by_store);
}

/* --- counting and telling ----------------------------------------------------------------------------------------------------- */

static void load_and_store(void)
{
	int seen = atomic_load_explicit(&x, memory_order_relaxed);
	atomic_store_explicit(&x, seen + 1, memory_order_relaxed);
}
static void load_then_store(void)
{
	fresh();
	TOGETHER(load_and_store, load_and_store);
	must(atomic_load(&x) == 2);
}
static void load_and_store_sc(void)
{
	x = x + 1; /* two seq_cst operations, not one */
}
static void load_then_store_sc(void)
{
	fresh();
	TOGETHER(load_and_store_sc, load_and_store_sc);
	must(atomic_load(&x) == 2);
}
static void plain_increment(void)
{
	data++;
}
static void racy_counter(void)
{
	fresh();
	TOGETHER(plain_increment, plain_increment);
	must(data == 2);
}

/* The textbook fix: counted atomically, but told in another step. */
static _Atomic int last_told;
static void tell_after_counting(void)
{
	int step = atomic_fetch_add(&x, 1) + 1;
	must(atomic_exchange(&last_told, step) < step);
}
static void told_backwards(void)
{
	fresh();
	atomic_init(&last_told, 0);
	TOGETHER(tell_after_counting, tell_after_counting);
}

/* The last to arrive is told by a look of its own: both may look when both have arrived. */
static _Atomic int last_ones;
static void arrive_and_look(void)
{
	atomic_fetch_add(&x, 1);
	if (atomic_load(&x) == 2)
		atomic_fetch_add(&last_ones, 1);
}
static void two_last_ones(void)
{
	fresh();
	atomic_init(&last_ones, 0);
	TOGETHER(arrive_and_look, arrive_and_look);
	must(atomic_load(&last_ones) == 1);
}

static _Atomic int shards[2];
static _Atomic int sums[2];
static void count_and_sum(int me)
{
	atomic_store_explicit(&shards[me], 1, memory_order_release);
	atomic_store_explicit(&sums[me],
		atomic_load_explicit(&shards[0], memory_order_acquire) + atomic_load_explicit(&shards[1], memory_order_acquire),
		memory_order_relaxed);
}
static void count_and_sum_0(void)
{
	count_and_sum(0);
}
static void count_and_sum_1(void)
{
	count_and_sum(1);
}
/* Each counts, then sums up: one of the two ought to see both. */
static void sharded_sum(void)
{
	for (int i = 0; i < 2; i++) {
		atomic_init(&shards[i], 0);
		atomic_init(&sums[i], 0);
	}
	TOGETHER(count_and_sum_0, count_and_sum_1);
	must(atomic_load(&sums[0]) == 2 || atomic_load(&sums[1]) == 2);
}

static void arrive_relaxed_0(void)
{
	data = 1;
	atomic_fetch_sub_explicit(&x, 1, memory_order_relaxed);
}
static void arrive_0(void)
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
static void latch_relaxed(void)
{
	fresh();
	atomic_init(&x, 2);
	TOGETHER(arrive_relaxed_0, arrive_0, wait_for_all);
}

/* Turns the buffer twice: the reader may still be in the half that is filled again. */
static int halves[2];
static void fill_twice(void)
{
	halves[1] = 7;
	atomic_store_explicit(&flag, 1, memory_order_release);
	halves[0] = 8;
	atomic_store_explicit(&flag, 0, memory_order_release);
}
static void read_current_half(void)
{
	int current = atomic_load_explicit(&flag, memory_order_acquire);
	must(halves[current] >= 3);
}
static void double_buffer_twice(void)
{
	fresh();
	halves[0] = 3;
	halves[1] = 0;
	TOGETHER(fill_twice, read_current_half);
}

static void forget(void)
{
	atomic_init(&shared, NULL);
	plain_shared = NULL;
}

static const struct suite_program programs[] = {
	{"relaxed_store", relaxed_store, .kind = FINDING_DATA_RACE},
	{"relaxed_load", relaxed_load, .kind = FINDING_DATA_RACE},
	{"plain_publication", plain_publication, .kind = FINDING_DATA_RACE},
	{"volatile_publication", volatile_publication, .kind = FINDING_DATA_RACE},
	{"flag_before_data", flag_before_data, .kind = FINDING_DATA_RACE},
	{"fence_behind_store", fence_behind_store, .kind = FINDING_DATA_RACE},
	{"fence_missing_in_reader", fence_missing_in_reader, .kind = FINDING_DATA_RACE},
	{"signal_fence", signal_fence, .kind = FINDING_DATA_RACE},
	{"broken_release_sequence", broken_release_sequence, .kind = FINDING_DATA_RACE},
	{"relaxed_message", relaxed_message, .kind = FINDING_ASSERTION},
	{"spin_for_ever", spin_for_ever, .kind = FINDING_LIVELOCK},
	{"dekker_relaxed", dekker_relaxed, .kind = FINDING_ASSERTION},
	{"dekker_acquire", dekker_acquire, .kind = FINDING_ASSERTION},
	{"dekker_one_fence", dekker_one_fence, .kind = FINDING_ASSERTION},
	{"petersons_lock_acquire", petersons_lock_acquire, .kind = FINDING_DATA_RACE},
	{"observers_disagree", observers_disagree, .kind = FINDING_ASSERTION},
	{"seqlock_without_reader_fence", seqlock_without_reader_fence, .kind = FINDING_ASSERTION},
	{"seqlock_without_writer_fence", seqlock_without_writer_fence, .kind = FINDING_ASSERTION},
	{"seqlock_of_plain_data", seqlock_of_plain_data, .kind = FINDING_DATA_RACE},
	{"double_checked_plain", double_checked_plain, .kind = FINDING_DATA_RACE},
	{"double_checked_relaxed", double_checked_relaxed, .kind = FINDING_DATA_RACE},
	{"checked_once", checked_once, .kind = FINDING_ASSERTION},
	{"double_checked_flag_first", double_checked_flag_first, .kind = FINDING_DATA_RACE},
	{"lazy_init", lazy_init, .kind = FINDING_DATA_RACE},
	{"cas_publish_leaks", cas_publish_leaks, .kind = FINDING_LEAK},
	{"cas_publish_relaxed", cas_publish_relaxed, .kind = FINDING_DATA_RACE},
	{"two_instances", two_instances, .kind = FINDING_ASSERTION},
	{"load_then_store", load_then_store, .kind = FINDING_ASSERTION},
	{"load_then_store_sc", load_then_store_sc, .kind = FINDING_ASSERTION},
	{"racy_counter", racy_counter, .kind = FINDING_DATA_RACE},
	{"told_backwards", told_backwards, .kind = FINDING_ASSERTION},
	{"two_last_ones", two_last_ones, .kind = FINDING_ASSERTION},
	{"sharded_sum", sharded_sum, .kind = FINDING_ASSERTION},
	{"latch_relaxed", latch_relaxed, .kind = FINDING_DATA_RACE},
	{"double_buffer_twice", double_buffer_twice, .kind = FINDING_DATA_RACE},
};
SUITE_GROUP(buggy_publication, programs, forget);
