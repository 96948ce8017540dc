#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Verified changes: for each small program with a bug the smallest change that the explorer proves, by its lines; none where none helps.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
onceproof=${ONCEPROOF:?}
cd "$scratch" || exit 1
[[ -x ${onceproof%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }

# fixes NAME WHAT VERDICT LINE:CHANGE...: the first finding of NAME.c has one fix, with this verdict and these edits.
fixes() {
	local name=$1 what=$2 verdict=$3
	shift 3
	run "$onceproof" check --no-cache --engine=explore --budget=60 --seed=1 --json "$name.json" "$name.c"
	expect_status 1
	jq -r '.results[0].findings[0].fixes[0] | .verdict, (.edits[] | "\(.line)\(if .last_line then "-\(.last_line)" else "" end):\(.change)")' "$name.json" >"$scratch/out"
	expect "$what" diff - "$scratch/out" < <(printf '%s\n' "$verdict" "$@") >&2
	expect "$what: all findings are mended by it" jq -e 'all(.results[0].findings[]; .fixes | length == 1)' "$name.json" >"$scratch/all"
}

cat >counter.c <<'C'
#include <assert.h>
#include <pthread.h>
static int counter;
static void *work(void *arg)
{
	counter++;
	return arg;
}
int main(void)
{
	pthread_t a, b;
	pthread_create(&a, 0, work, 0);
	pthread_create(&b, 0, work, 0);
	pthread_join(a, 0);
	pthread_join(b, 0);
	assert(counter == 2);
	return 0;
}
C
fixes counter 'a counter becomes atomic, and needs no order' proved \
	'6:atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed)'

cat >mp_relaxed.c <<'C'
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
static int data;
static atomic_int ready;
static void *writer(void *arg)
{
	data = 42;
	atomic_store_explicit(&ready, 1, memory_order_relaxed);
	return arg;
}
int main(void)
{
	pthread_t a;
	pthread_create(&a, 0, writer, 0);
	if (atomic_load_explicit(&ready, memory_order_relaxed))
		assert(data == 42);
	pthread_join(a, 0);
	return 0;
}
C
fixes mp_relaxed 'a relaxed flag that publishes' proved \
	'9:atomic_store_explicit(&ready, …, memory_order_release) instead of relaxed' \
	'16:atomic_load_explicit(&ready, memory_order_acquire) instead of relaxed'

cat >mp_plain.c <<'C'
#include <assert.h>
#include <pthread.h>
static int data;
static int ready;
static void *writer(void *arg)
{
	data = 42;
	ready = 1;
	return arg;
}
int main(void)
{
	pthread_t a;
	pthread_create(&a, 0, writer, 0);
	if (ready)
		assert(data == 42);
	pthread_join(a, 0);
	return 0;
}
C
fixes mp_plain 'a plain flag that publishes: the flag, not the data' proved \
	'8:atomic_store_explicit(&ready, …, memory_order_release)' \
	'15:atomic_load_explicit(&ready, memory_order_acquire)'

cat >dcl_plain.c <<'C'
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
struct thing {
	int value;
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct thing *instance;
static struct thing *get(void)
{
	if (!instance) {
		pthread_mutex_lock(&lock);
		if (!instance) {
			struct thing *t = malloc(sizeof *t);
			t->value = 7;
			instance = t;
		}
		pthread_mutex_unlock(&lock);
	}
	return instance;
}
static void *work(void *arg)
{
	assert(get()->value == 7);
	return arg;
}
int main(void)
{
	pthread_t a, b;
	pthread_create(&a, 0, work, 0);
	pthread_create(&b, 0, work, 0);
	pthread_join(a, 0);
	pthread_join(b, 0);
	free(instance);
	return 0;
}
C
fixes dcl_plain 'a pointer checked twice: not one more lock' proved \
	'11:atomic_load_explicit(&instance, memory_order_acquire)' \
	'13:atomic_load_explicit(&instance, memory_order_acquire)' \
	'16:atomic_store_explicit(&instance, …, memory_order_release)' \
	'20:atomic_load_explicit(&instance, memory_order_acquire)'

cat >dcl_relaxed.c <<'C'
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
struct thing {
	int value;
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct thing *_Atomic instance;
static struct thing *get(void)
{
	if (!atomic_load_explicit(&instance, memory_order_relaxed)) {
		pthread_mutex_lock(&lock);
		if (!atomic_load_explicit(&instance, memory_order_relaxed)) {
			struct thing *t = malloc(sizeof *t);
			t->value = 7;
			atomic_store_explicit(&instance, t, memory_order_relaxed);
		}
		pthread_mutex_unlock(&lock);
	}
	return atomic_load_explicit(&instance, memory_order_relaxed);
}
static void *work(void *arg)
{
	assert(get()->value == 7);
	return arg;
}
int main(void)
{
	pthread_t a, b;
	pthread_create(&a, 0, work, 0);
	pthread_create(&b, 0, work, 0);
	pthread_join(a, 0);
	pthread_join(b, 0);
	free(instance);
	return 0;
}
C
fixes dcl_relaxed 'a relaxed pointer checked twice: only what is needed' proved \
	'17:atomic_store_explicit(&instance, …, memory_order_release) instead of relaxed' \
	'21:atomic_load_explicit(&instance, memory_order_acquire) instead of relaxed'

cat >dekker.c <<'C'
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
static atomic_int x, y, in;
static void *first(void *arg)
{
	atomic_store_explicit(&x, 1, memory_order_release);
	if (!atomic_load_explicit(&y, memory_order_acquire))
		assert(atomic_fetch_add(&in, 1) == 0);
	return arg;
}
static void *second(void *arg)
{
	atomic_store_explicit(&y, 1, memory_order_release);
	if (!atomic_load_explicit(&x, memory_order_acquire))
		assert(atomic_fetch_add(&in, 1) == 0);
	return arg;
}
int main(void)
{
	pthread_t a, b;
	pthread_create(&a, 0, first, 0);
	pthread_create(&b, 0, second, 0);
	pthread_join(a, 0);
	pthread_join(b, 0);
	return 0;
}
C
fixes dekker 'store buffering: release and acquire do not help' proved \
	'7:atomic_store_explicit(&x, …, memory_order_seq_cst) instead of release' \
	'8:atomic_load_explicit(&y, memory_order_seq_cst) instead of acquire' \
	'14:atomic_store_explicit(&y, …, memory_order_seq_cst) instead of release' \
	'15:atomic_load_explicit(&x, memory_order_seq_cst) instead of acquire'

cat >check_act.c <<'C'
#include <assert.h>
#include <pthread.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int seats = 1, sold;
static int left(void)
{
	pthread_mutex_lock(&m);
	int n = seats;
	pthread_mutex_unlock(&m);
	return n;
}
static void *buy(void *arg)
{
	if (left() > 0) {
		pthread_mutex_lock(&m);
		seats--;
		sold++;
		pthread_mutex_unlock(&m);
	}
	return arg;
}
int main(void)
{
	pthread_t a, b;
	pthread_create(&a, 0, buy, 0);
	pthread_create(&b, 0, buy, 0);
	pthread_join(a, 0);
	pthread_join(b, 0);
	assert(sold <= 1);
	return 0;
}
C
fixes check_act 'check-then-act over two sections: they become one, in the caller' proved \
	'14-18:one section of `m` from line 14 to line 18, instead of several'

cat >forgotten.c <<'C'
#include <assert.h>
#include <pthread.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int total;
static void *one(void *arg)
{
	pthread_mutex_lock(&m);
	total += 1;
	pthread_mutex_unlock(&m);
	return arg;
}
static void *two(void *arg)
{
	pthread_mutex_lock(&m);
	total += 2;
	pthread_mutex_unlock(&m);
	return arg;
}
static void *three(void *arg)
{
	total += 3;
	return arg;
}
int main(void)
{
	pthread_t a, b, c;
	pthread_create(&a, 0, one, 0);
	pthread_create(&b, 0, two, 0);
	pthread_create(&c, 0, three, 0);
	pthread_join(a, 0);
	pthread_join(b, 0);
	pthread_join(c, 0);
	assert(total == 6);
	return 0;
}
C
fixes forgotten 'a lock forgotten in one of three places: its name' proved \
	'21:pthread_mutex_lock(&m) in front of line 21, pthread_mutex_unlock(&m) behind line 21'

cat >lock_order.c <<'C'
#include <pthread.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static int x, y;
static void *first(void *arg)
{
	pthread_mutex_lock(&a);
	pthread_mutex_lock(&b);
	x++;
	pthread_mutex_unlock(&b);
	pthread_mutex_unlock(&a);
	return arg;
}
static void *second(void *arg)
{
	pthread_mutex_lock(&b);
	pthread_mutex_lock(&a);
	y++;
	pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
	return arg;
}
int main(void)
{
	pthread_t s, t;
	pthread_create(&s, 0, first, 0);
	pthread_create(&t, 0, second, 0);
	pthread_join(s, 0);
	pthread_join(t, 0);
	return 0;
}
C
fixes lock_order 'two mutexes in two orders' proved \
	'6-7:pthread_mutex_lock(&b) in front of line 6, not in line 7: the same order as elsewhere'

cat >transfer.c <<'C'
#include <assert.h>
#include <pthread.h>
struct account {
	pthread_mutex_t lock;
	int balance;
};
static struct account accounts[2] = {{PTHREAD_MUTEX_INITIALIZER, 10}, {PTHREAD_MUTEX_INITIALIZER, 10}};
static void transfer(struct account *from, struct account *to, int amount)
{
	pthread_mutex_lock(&from->lock);
	pthread_mutex_lock(&to->lock);
	from->balance -= amount;
	to->balance += amount;
	pthread_mutex_unlock(&to->lock);
	pthread_mutex_unlock(&from->lock);
}
static void *there(void *arg)
{
	transfer(&accounts[0], &accounts[1], 5);
	return arg;
}
static void *back(void *arg)
{
	transfer(&accounts[1], &accounts[0], 3);
	return arg;
}
int main(void)
{
	pthread_t s, t;
	pthread_create(&s, 0, there, 0);
	pthread_create(&t, 0, back, 0);
	pthread_join(s, 0);
	pthread_join(t, 0);
	assert(accounts[0].balance + accounts[1].balance == 20);
	return 0;
}
C
fixes transfer 'mutexes of arguments: no one order can be named' proved \
	'10-11:one mutex, the same at all of these places: lock it in front of line 10, unlock it behind line 11'

cat >torn.c <<'C'
#include <assert.h>
#include <pthread.h>
static struct {
	int low, high;
} range = {1, 2};
static void *widen(void *arg)
{
	range.low = 11;
	range.high = 12;
	return arg;
}
static void *look(void *arg)
{
	int low = range.low;
	int high = range.high;
	assert(high == low + 1);
	return arg;
}
int main(void)
{
	pthread_t s, t;
	pthread_create(&s, 0, widen, 0);
	pthread_create(&t, 0, look, 0);
	pthread_join(s, 0);
	pthread_join(t, 0);
	return 0;
}
C
fixes torn 'two members that belong together' proved \
	'8-9:one mutex, the same at all of these places: lock it in front of line 8, unlock it behind line 9' \
	'14-15:one mutex, the same at all of these places: lock it in front of line 14, unlock it behind line 15'

cat >load_store.c <<'C'
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
static atomic_int count;
static void *work(void *arg)
{
	int old = atomic_load(&count);
	atomic_store(&count, old + 1);
	return arg;
}
int main(void)
{
	pthread_t a, b;
	pthread_create(&a, 0, work, 0);
	pthread_create(&b, 0, work, 0);
	pthread_join(a, 0);
	pthread_join(b, 0);
	assert(count == 2);
	return 0;
}
C
fixes load_store 'an atomic load and an atomic store that should be one' proved \
	'7-8:one read-modify-write of `count`: a compare-exchange loop with memory_order_acq_rel, or atomic_fetch_add and the like'

cat >lost_wakeup.c <<'C'
#include <pthread.h>
#include <stdatomic.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static atomic_int ready;
static void *wake(void *arg)
{
	ready = 1;
	pthread_cond_signal(&c);
	return arg;
}
int main(void)
{
	pthread_t a;
	pthread_create(&a, 0, wake, 0);
	pthread_mutex_lock(&m);
	while (!ready)
		pthread_cond_wait(&c, &m);
	pthread_mutex_unlock(&m);
	pthread_join(a, 0);
	return 0;
}
C
fixes lost_wakeup 'a signal without the mutex of those who wait' proved \
	'8-9:pthread_mutex_lock(&m) in front of line 8, pthread_mutex_unlock(&m) behind line 9'

cat >refcount.c <<'C'
#include <pthread.h>
#include <stdlib.h>
struct object {
	int refs;
	int data;
};
static void put(struct object *o)
{
	if (--o->refs == 0)
		free(o);
}
static void *user(void *arg)
{
	struct object *o = arg;
	int x = o->data;
	(void)x;
	put(o);
	return NULL;
}
int main(void)
{
	pthread_t t;
	struct object *o = malloc(sizeof *o);
	o->refs = 2;
	o->data = 1;
	pthread_create(&t, NULL, user, o);
	put(o);
	pthread_join(t, NULL);
	return 0;
}
C
fixes refcount 'a member that is counted down: it orders what was done before' proved \
	'9:atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel), which returns what was there before'

cat >loop.c <<'C'
#include <pthread.h>
long hits;
void *worker(void *arg)
{
	for (int i = 0; i < 2; ++i) {
		hits++;
	}
	return arg;
}
int main(void)
{
	pthread_t t[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, worker, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	return hits != 4;
}
C
fixes loop 'what a compiler moves out of a loop is mended in the loop' proved '6:atomic_fetch_add_explicit(&hits, 1, memory_order_relaxed)'

cat >spinlock.c <<'C'
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
static atomic_flag lock = ATOMIC_FLAG_INIT;
static int value;
static void *work(void *arg)
{
	while (atomic_flag_test_and_set_explicit(&lock, memory_order_relaxed))
		;
	value++;
	atomic_flag_clear_explicit(&lock, memory_order_relaxed);
	return arg;
}
int main(void)
{
	pthread_t a, b;
	pthread_create(&a, 0, work, 0);
	pthread_create(&b, 0, work, 0);
	pthread_join(a, 0);
	pthread_join(b, 0);
	assert(value == 2);
	return 0;
}
C
fixes spinlock 'a lock of their own making: one half of each operation' proved \
	'8:memory_order_acquire instead of memory_order_relaxed' '11:memory_order_release instead of memory_order_relaxed'

cat >heap.c <<'C'
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
struct account {
	pthread_mutex_t lock;
	int balance;
};
static void *deposit(void *arg)
{
	struct account *a = arg;
	pthread_mutex_lock(&a->lock);
	a->balance += 10;
	pthread_mutex_unlock(&a->lock);
	return NULL;
}
static void *fee(void *arg)
{
	struct account *a = arg;
	if (a->balance >= 1)
		a->balance -= 1;
	return NULL;
}
int main(void)
{
	pthread_t s, t;
	struct account *a = malloc(sizeof *a);
	pthread_mutex_init(&a->lock, NULL);
	a->balance = 5;
	pthread_create(&s, 0, deposit, a);
	pthread_create(&t, 0, fee, a);
	pthread_join(s, 0);
	pthread_join(t, 0);
	assert(a->balance == 14);
	pthread_mutex_destroy(&a->lock);
	free(a);
	return 0;
}
C
fixes heap 'a mutex in the same block: as the other place names it' proved \
	'19-20:pthread_mutex_lock(&a->lock) in front of line 19, pthread_mutex_unlock(&a->lock) behind line 20'

cat >again.c <<'C'
#include <pthread.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int n;
static void inc(void)
{
	pthread_mutex_lock(&m);
	n++;
	pthread_mutex_unlock(&m);
}
static void *f(void *arg)
{
	pthread_mutex_lock(&m);
	inc();
	pthread_mutex_unlock(&m);
	return arg;
}
int main(void)
{
	pthread_t a;
	pthread_create(&a, 0, f, 0);
	inc();
	pthread_join(a, 0);
	return 0;
}
C
fixes again 'a mutex taken twice' proved \
	'6:the thread has `m` already: do not lock it again, or make it recursive (PTHREAD_MUTEX_RECURSIVE)'

cat >two.c <<'C'
#include <pthread.h>
#include <assert.h>
static int hits, misses;
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void *f(void *arg)
{
	hits++;
	pthread_mutex_lock(&a);
	pthread_mutex_lock(&b);
	pthread_mutex_unlock(&b);
	pthread_mutex_unlock(&a);
	return arg;
}
static void *g(void *arg)
{
	hits++;
	pthread_mutex_lock(&b);
	pthread_mutex_lock(&a);
	pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
	return arg;
}
int main(void)
{
	pthread_t s, t;
	pthread_create(&s, 0, f, 0);
	pthread_create(&t, 0, g, 0);
	pthread_join(s, 0);
	pthread_join(t, 0);
	assert(hits == 2);
	return 0;
}
C
run "$onceproof" check --no-cache --engine=explore --budget=60 --seed=1 --json two.json two.c
expect_status 1
expect "of two bugs that have nothing to do with each other one is mended, and that the other stays is said" jq -e '
	.results[0].findings[0] | .kind == "data-race" and .fixes[0].verdict == "proved" and
	(.fixes[0].edits | map(.line) == [7, 16]) and (.fixes[0].evidence | test("proved for this finding, .*; 1 other finding stays"))' two.json

cat >cxx.cc <<'C'
#include <cassert>
#include <mutex>
#include <thread>
static std::mutex m;
static int total;
static void locked(int by)
{
	std::lock_guard<std::mutex> guard(m);
	total += by;
}
static void forgot(int by)
{
	total += by;
}
int main()
{
	std::thread a(locked, 1), b(locked, 2), c(forgot, 3);
	a.join();
	b.join();
	c.join();
	assert(total == 6);
	return 0;
}
C
cat >flag.cc <<'C'
#include <atomic>
#include <cassert>
#include <thread>
static std::atomic<bool> ready;
static int data;
int main()
{
	std::thread a([] { data = 42; ready.store(true, std::memory_order_relaxed); });
	if (ready.load(std::memory_order_relaxed))
		assert(data == 42);
	a.join();
}
C
for file in cxx.cc flag.cc; do
	run "$onceproof" check --no-cache --engine=explore --budget=60 --seed=1 --json "$file.json" "$file"
	expect_status 1
done
edits='.results[0].findings[0].fixes[0] | select(.verdict == "proved") | .edits[] | "\(.line):\(.change)"'
expect "C++: a mutex in C++" [ "$(jq -r "$edits" cxx.cc.json)" = "13:m.lock() in front of line 13, m.unlock() behind line 13" ]
expect "C++: orders in the lines of the program, not of the library" [ "$(jq -r "$edits" flag.cc.json)" = "8:ready.store(…, std::memory_order_release) instead of relaxed
9:ready.load(std::memory_order_acquire) instead of relaxed" ]

cat >nothing.c <<'C'
#include <pthread.h>
#include <stdlib.h>
static void *work(void *arg)
{
	int *p = arg;
	*p = 1;
	return 0;
}
int main(void)
{
	pthread_t a;
	int *p = malloc(sizeof *p);
	pthread_create(&a, 0, work, p);
	free(p);
	pthread_join(a, 0);
	return 0;
}
C
run "$onceproof" check --no-cache --engine=explore --budget=60 --seed=1 --json nothing.json nothing.c
expect_status 1
expect "what no change mends has no fix" jq -e '.results[0].findings | length > 0 and all(.[]; (.fixes // []) == [])' nothing.json

# In words, and what stands beside.
expect "the evidence" jq -e '.results[0].findings[0].fixes[0] | .evidence == "with line 9 release and line 16 acquire: proved, \(.executions) executions" and .executions > 0' mp_relaxed.json
expect "the change" jq -e '.results[0].findings[0].fixes[0].change == "make line 9 a release store and line 16 an acquire load"' mp_relaxed.json
expect "edits name the file as the user did" jq -e 'all(.results[0].findings[0].fixes[0].edits[]; .file == "mp_relaxed.c")' mp_relaxed.json
cp mp_relaxed.json before.json
run "$onceproof" check --no-cache --engine=explore --budget=60 --seed=1 --json mp_relaxed.json mp_relaxed.c
expect "one seed, one answer" diff <(jq -S '.results[0].findings[].fixes' before.json) <(jq -S '.results[0].findings[].fixes' mp_relaxed.json) >&2
run "$onceproof" check --no-cache --engine=explore --budget=60 --no-fix --json mp_relaxed.json mp_relaxed.c
expect "--no-fix looks for none" jq -e 'all(.results[0].findings[]; (.fixes // []) == [])' mp_relaxed.json

# explore offers it as well.
run "$onceproof" explore --fix --seed=1 torn.c
expect_status 1
expect_out "Verified change: hold one mutex around lines 8-9 and lines 14-15."
expect_out "torn.c:14: one mutex, the same at all of these places: lock it in front of line 14, unlock it behind line 15"
run "$onceproof" explore --fix 'counter/naive'
expect_status 2
expect_err "--fix"
finish
