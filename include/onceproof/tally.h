/* SPDX-License-Identifier: MIT */
/* tally: a progress counter that costs less than the racy one. C11 and C++11 of gcc and clang, libc alone; nothing to link.
 *
 *   static struct tally done = TALLY_INITIALISER;                   all zero bytes do as well
 *   struct tally_seat *seat = tally_join(&done);                    each thread that counts, once
 *   tally_add(seat);                                                one more: a load, an addition and a store to a line of its own
 *   tally_leave(seat);                                              what was counted stays counted; the next thread gets the seat
 *   tally_value(&done)                                              how many, from any thread, at any time
 *
 * and a front end that is told of it, from whichever worker comes by, never backwards and never too often:
 *
 *   static struct teller teller = TELLER_INITIALISER(&done, show, NULL, TELLER_MS(100));
 *   teller_add(&teller, seat);                                      instead of tally_add(): counts, and tells now and then
 *   teller_tell(&teller);                                           when all workers have ended: tells the total
 *
 * Which to take, dearest last:
 *
 *   tally_put            publishes a count that the thread keeps itself, in a register: one store. For hot loops
 *   tally_add            the same with the count kept in the seat
 *   tally_add_batched    tally_add, and every TALLY_BATCH increments one locked addition: tally_approximate() then costs one load
 *   tally_ticket         tally_add that also returns a number of which there is one: unique, not dense, and in no order
 *   tally_step           counts one without a seat and returns 1, 2, 3 …: a locked addition to a line that all share
 *   tally_value          a sum over all seats: monotone, complete, exact at rest
 *   tally_value_fenced   the same behind a fence: linearizable
 *
 * Why this is right. A seat's count has a single writer at a time, so its modification order is 1, 2, 3 …, and nobody can lose an update
 * that nobody else makes (McKenney, "Is Parallel Programming Hard", ch. 5, per-thread counters).
 *   Complete: the store of an increment that happens before a value() is in that value: coherence lets the later load of that word read
 *     no older store (C11 5.1.2.4p18). So at rest, when all increments happen before it, the value is exact.
 *   Monotone: let one value() happen before another. Each load of the second reads the same store as the first's or a later one
 *     (p16), each count only grows, and so does the number of seats. A thread that retires leaves its count in its seat, where the next
 *     one goes on from it: no share ever leaves the sum.
 *   Published: increments are releases and the loads of a value() acquires. Whoever reads a value sees what the increments in it came after.
 *   Linearizable, tally_value_fenced() only. The total moves by one. A read that starts at total a and ends at total b has met each count
 *     between its states at the two moments, so its sum lies in a..b, and the total was just that at some moment of the read. What is left
 *     is store buffering: my own increment may still be on its way when I read yours, and the other way round, and then each of us misses
 *     the other. The fence in every read forbids it: of two fences one is first, and what came before it is visible after the other.
 *
 * Nothing here is async-signal-safe. A child of fork() has the counts of that moment, and the seat of the thread that forked. Names that end
 * in _ are private.
 */
#ifndef ONCEPROOF_TALLY_H
#define ONCEPROOF_TALLY_H

#ifndef __GNUC__
#error "<onceproof/tally.h> needs gcc or clang: it uses their __atomic functions and attributes"
#elif defined(__cplusplus) && __cplusplus < 201103L
#error "<onceproof/tally.h> needs C++11 or later: compile with -std=c++11 or -std=gnu++11"
#elif !defined(__cplusplus) && (!defined(__STDC_VERSION__) || __STDC_VERSION__ < 201112L)
#error "<onceproof/tally.h> needs C11 or later: compile with -std=gnu11 or -std=c11"
#else /* what follows is not read, and nothing else complained of, where one of these is missing */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* Restartable sequences: where they are, unless the includer says 0. */
#if !defined(TALLY_HAS_PERCPU) && defined(__x86_64__) && defined(__LP64__) && defined(__linux__) && defined(__has_include)
#if __has_include(<sys/rseq.h>)
#define TALLY_HAS_PERCPU 1
#endif
#endif
#ifndef TALLY_HAS_PERCPU
#define TALLY_HAS_PERCPU 0
#endif
#if TALLY_HAS_PERCPU
#include <sys/rseq.h>
#include <unistd.h>
#endif

/* How many increments of a seat tally_approximate() may not know of. Like TALLY_BLOCK, the same in all files that share a tally. */
#ifndef TALLY_BATCH
#define TALLY_BATCH 64
#endif

/* How many tickets a seat draws at once. */
#ifndef TALLY_BLOCK
#define TALLY_BLOCK 256
#endif

#define TALLY_PAIR_BYTES 128 /* two lines: processors fetch them in pairs */
#define TALLY_FIRST_SEATS 8u /* in the first chunk; each further chunk has twice as many */
#define TALLY_CHUNKS 15
#define TALLY_SEATS_MAX (TALLY_FIRST_SEATS * ((1u << TALLY_CHUNKS) - 1)) /* at a time: 262,136 */

#define TALLY_ALIGNED_ __attribute__((aligned(TALLY_PAIR_BYTES)))
#define TALLY_COLD_ __attribute__((noinline, cold, unused)) static
#ifdef __cplusplus
#define TALLY_CAST_(type, x) static_cast<type>(x)
#else
#define TALLY_CAST_(type, x) ((type)(x))
#endif
#define TALLY_RARE_(condition) __builtin_expect(!!(condition), 0)

/* How often a thread looks at the clock; zeroed at first. The thread's own. */
struct teller_pace {
	uint32_t left;      /* increments until the next look */
	uint32_t stride;    /* increments between two looks */
	uint32_t told;      /* how often it did not have to wait for the clock */
	uint64_t looked_ns; /* when it last looked */
};

/* A thread's place in a tally. Owned by the tally; used by one thread at a time. */
struct TALLY_ALIGNED_ tally_seat {
	uint64_t count; /* atomic. Stored by the thread in the seat, loaded by whoever asks for the value */
	/* The line beside it: the thread's own, handed on with the seat. */
	uint64_t passed __attribute__((aligned(64))); /* how much of the count tally_approximate() has */
	uint64_t ticket_offset, ticket_last;          /* a count up to ticket_last has the ticket count + ticket_offset */
	struct teller_pace pace;                      /* for teller_add() */
	struct tally *tally;                          /* borrowed; written before the seat is published, then constant */
	uint32_t retired;                             /* atomic. 1: nobody's; who takes it back to 0 has the seat */
};

/* Fields are this header's. Like a teller and a tally_percpu it is aligned to two lines, and compilers count on that: on the heap it comes
 * from aligned_alloc(TALLY_PAIR_BYTES, …) or from C++17's new, not from malloc() or calloc(). */
struct TALLY_ALIGNED_ tally {
	/* Read by every value; written when a thread joins that finds no retired seat. Chunk k has TALLY_FIRST_SEATS << k seats. */
	struct tally_seat *chunk[TALLY_CHUNKS]; /* atomic, owned; each set once */
	uint32_t seats;                         /* atomic. How many there are, taken or retired; only grows */
	/* The line that is shared by who uses one of these: each is added to by any thread, atomically. */
	uint64_t steps __attribute__((aligned(TALLY_PAIR_BYTES))); /* counted by tally_step() */
	uint64_t passed;                                           /* counted by tally_add_batched() and passed on */
	uint64_t drawn;                                            /* tickets given to seats */
};

#define TALLY_INITIALISER          \
	{                          \
		{NULL}, 0, 0, 0, 0 \
	}

/* Chunk K, made when it is not there yet; NULL: no memory. */
TALLY_COLD_ struct tally_seat *tally_chunk_(struct tally *t, unsigned k)
{
	/* acquire: pairs with the release below; the seats are zeroed before they can be found. */
	struct tally_seat *chunk = __atomic_load_n(&t->chunk[k], __ATOMIC_ACQUIRE);
	if (chunk)
		return chunk;
	const size_t seats = TALLY_CAST_(size_t, TALLY_FIRST_SEATS) << k;
	void *memory = aligned_alloc(TALLY_PAIR_BYTES, seats * sizeof(struct tally_seat));
	if (!memory)
		return NULL;
	struct tally_seat *fresh = TALLY_CAST_(struct tally_seat *, memory);
	const struct tally_seat empty = {0, 0, 0, 0, {0, 0, 0, 0}, t, 0};
	for (size_t i = 0; i < seats; i++)
		fresh[i] = empty;
	/* release: publishes the seats. acquire on failure: pairs with the release of the thread that was faster. */
	if (__atomic_compare_exchange_n(&t->chunk[k], &chunk, fresh, false, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
		return fresh;
	free(memory);
	return chunk;
}

/* Which chunk has seat number I, and which of its seats that is. */
static inline unsigned tally_chunk_of_(uint32_t i)
{
	return 31u - TALLY_CAST_(unsigned, __builtin_clz(i / TALLY_FIRST_SEATS + 1));
}

static inline uint32_t tally_place_of_(uint32_t i)
{
	return i - TALLY_FIRST_SEATS * ((1u << tally_chunk_of_(i)) - 1);
}

/* A seat that was given up, or NULL. */
TALLY_COLD_ struct tally_seat *tally_retired_(struct tally *t, uint32_t seats)
{
	for (uint32_t i = 0; i < seats; i++) {
		/* relaxed: the acquire of `seats` has ordered it. */
		struct tally_seat *seat = __atomic_load_n(&t->chunk[tally_chunk_of_(i)], __ATOMIC_RELAXED) + tally_place_of_(i);
		uint32_t retired = 1;
		/* relaxed: a look that writes nothing, so that those who hold their seats are not disturbed. */
		if (__atomic_load_n(&seat->retired, __ATOMIC_RELAXED) == 0)
			continue;
		/* acquire: pairs with the release in tally_leave(); the count and the rest of the seat are seen as they were left.
		 * relaxed on failure: another thread has it. */
		if (__atomic_compare_exchange_n(&seat->retired, &retired, 0, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return seat;
	}
	return NULL;
}

/* A seat for one thread until it leaves, one that was given up if there is one. NULL: no memory, or TALLY_SEATS_MAX are taken (tally_step()
 * still counts). Any thread, any time, also on another's behalf; takes one step per seat that there is. */
TALLY_COLD_ struct tally_seat *tally_join(struct tally *t)
{
	/* acquire: pairs with the release below; chunks are seen as far as there are seats. */
	uint32_t seats = __atomic_load_n(&t->seats, __ATOMIC_ACQUIRE);
	struct tally_seat *seat = tally_retired_(t, seats);
	while (!seat && seats < TALLY_SEATS_MAX) {
		struct tally_seat *chunk = tally_chunk_(t, tally_chunk_of_(seats));
		if (!chunk)
			return NULL;
		uint32_t mine = seats;
		/* release: pairs with the acquires of `seats`; publishes the chunk. relaxed on failure: it is tried again. */
		if (__atomic_compare_exchange_n(&t->seats, &seats, seats + 1, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			seat = chunk + tally_place_of_(mine);
	}
	return seat;
}

/* Gives the seat up. What was counted in it stays in the value, and the next thread in this seat goes on from there. */
static inline void tally_leave(struct tally_seat *seat)
{
	/* release: pairs with the acquire in tally_retired_(); hands the seat over as it is. */
	__atomic_store_n(&seat->retired, 1, __ATOMIC_RELEASE);
}

/* Frees what joins have taken; then the tally is as after TALLY_INITIALISER. No thread may use it or one of its seats. */
TALLY_COLD_ void tally_close(struct tally *t)
{
	for (unsigned k = 0; k < TALLY_CHUNKS; k++) {
		free(t->chunk[k]);
		t->chunk[k] = NULL;
	}
	t->seats = 0;
	t->steps = t->passed = t->drawn = 0;
}

/* What was counted in this seat, by its threads so far. For the thread in the seat. */
static inline uint64_t tally_own(const struct tally_seat *seat)
{
	/* relaxed: its own thread wrote it, or the acquire in tally_retired_() has ordered it. */
	return __atomic_load_n(&seat->count, __ATOMIC_RELAXED);
}

/* Publishes COUNT: tally_own() at first, and one more with each increment. For a loop whose count is in a register:
 *   uint64_t own = tally_own(seat);
 *   for (…) { …; tally_put(seat, ++own); } */
static inline void tally_put(struct tally_seat *seat, uint64_t count)
{
	/* release: pairs with the acquire in tally_value(); publishes what was counted. */
	__atomic_store_n(&seat->count, count, __ATOMIC_RELEASE);
}

/* Counts one, for the thread in the seat. Returns the seat's own count. */
static inline uint64_t tally_add(struct tally_seat *seat)
{
	uint64_t count = tally_own(seat) + 1;
	tally_put(seat, count);
	return count;
}

/* How many were counted: all that happened before it, so exact at rest; and never less than what a value() that happened before returned.
 * Sees what was done before each increment that is in it. Any thread, any time. */
static inline uint64_t tally_value(const struct tally *t)
{
	/* acquire: pairs with the release in tally_step(); what was counted is seen as well. kept where nobody counts so. */
	uint64_t sum = __atomic_load_n(&t->steps, __ATOMIC_ACQUIRE);
	/* acquire: pairs with the release in tally_join(); chunks are seen as far as there are seats. kept where there are none. */
	uint32_t seats = __atomic_load_n(&t->seats, __ATOMIC_ACQUIRE);
	uint32_t size = TALLY_FIRST_SEATS;
	/* No load of a count waits for another's address, so the lines travel all at once. */
	for (unsigned k = 0; seats > 0; k++, size *= 2) {
		/* relaxed: the acquire of `seats` has ordered it. */
		const struct tally_seat *seat = __atomic_load_n(&t->chunk[k], __ATOMIC_RELAXED);
		const uint32_t here = seats < size ? seats : size;
		for (uint32_t i = 0; i < here; i++)
			/* acquire: pairs with the release in tally_put(); what was counted is seen as well. */
			sum += __atomic_load_n(&seat[i].count, __ATOMIC_ACQUIRE);
		seats -= here;
	}
	return sum;
}

/* gcc warns that its ThreadSanitizer does not model fences. It needs none here: without one it finds the same happens-before. */
#if defined(__SANITIZE_THREAD__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#define TALLY_POP_WARNINGS
#endif

/* tally_value(), linearizable among those who only call this: each has a moment between its start and its end, in one order for all, and
 * returns what was counted up to it; a thread's own increments before, and those that happened before. */
static inline uint64_t tally_value_fenced(const struct tally *t)
{
	/* seq_cst: of two reads one has its fence first. What that thread counted before it, the other's loads below must see. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return tally_value(t);
}

#ifdef TALLY_POP_WARNINGS
#undef TALLY_POP_WARNINGS
#pragma GCC diagnostic pop
#endif

TALLY_COLD_ void tally_pass_(struct tally_seat *seat, uint64_t count)
{
	/* release: pairs with the acquire in tally_approximate(); what is passed on was stored before, and a value() asked later has it. */
	__atomic_fetch_add(&seat->tally->passed, count - seat->passed, __ATOMIC_RELEASE);
	seat->passed = count;
}

/* tally_add(), and every TALLY_BATCH increments they are passed on to tally_approximate(). */
static inline uint64_t tally_add_batched(struct tally_seat *seat)
{
	uint64_t count = tally_add(seat);
	if (TALLY_RARE_(count - seat->passed >= TALLY_BATCH))
		tally_pass_(seat, count);
	return count;
}

/* About how many were counted by tally_add_batched() and tally_step(): one line is read, however many seats there are. Never backwards,
 * never more than a value asked afterwards, and less than one asked before by tally_approximate_error() at most. (Approximate counting
 * with a limit per thread: McKenney, ch. 5; percpu_counter of the Linux kernel.) */
static inline uint64_t tally_approximate(const struct tally *t)
{
	/* acquire: pairs with the release in tally_pass_(), and in tally_step(). */
	uint64_t passed = __atomic_load_n(&t->passed, __ATOMIC_ACQUIRE);
	return passed + __atomic_load_n(&t->steps, __ATOMIC_ACQUIRE);
}

/* How far tally_approximate() can be behind: a seat passes on before it counts further, so it holds back TALLY_BATCH at most (less, but for
 * the moment between its store and its passing on). A seat that was given up keeps what it holds back for its next thread. */
static inline uint64_t tally_approximate_error(const struct tally *t)
{
	/* relaxed: a number alone; it only grows. */
	return TALLY_CAST_(uint64_t, __atomic_load_n(&t->seats, __ATOMIC_RELAXED)) * TALLY_BATCH;
}

TALLY_COLD_ void tally_draw_(struct tally_seat *seat, uint64_t count)
{
	/* relaxed: only hands out distinct blocks. */
	uint64_t drawn = __atomic_fetch_add(&seat->tally->drawn, TALLY_BLOCK, __ATOMIC_RELAXED);
	seat->ticket_offset = drawn + 1 - count;
	seat->ticket_last = count + (TALLY_BLOCK - 1);
}

/* tally_put() that returns the ticket of the increment to COUNT. Tickets begin at 1 and no two are the same. They are not dense: seats draw
 * TALLY_BLOCK at a time, so some below the highest may not be given yet, or never. They say nothing about order or number. */
static inline uint64_t tally_put_ticket(struct tally_seat *seat, uint64_t count)
{
	if (TALLY_RARE_(count > seat->ticket_last))
		tally_draw_(seat, count);
	tally_put(seat, count);
	return count + seat->ticket_offset;
}

/* tally_add() that returns a ticket. What a retiring thread has not used of a block, the next thread in the seat uses. */
static inline uint64_t tally_ticket(struct tally_seat *seat)
{
	return tally_put_ticket(seat, tally_own(seat) + 1);
}

/* Counts one without a seat, and returns how many were counted so: each call another of 1, 2, 3 …, with none left out. Any thread, any
 * time. Who gets 2 does not see what was done before 1. */
static inline uint64_t tally_step(struct tally *t)
{
	/* release: pairs with the acquire in tally_value(); publishes what was counted. */
	return __atomic_add_fetch(&t->steps, 1, __ATOMIC_RELEASE);
}

/* ---- teller: tells a front end how far it is -----------------------------------------------------------------------------------------
 *
 * `state` is the highest number offered so far, and one bit: is a thread telling? Offering raises the number. Who raises it and finds nobody
 * telling sets the bit and tells; who finds somebody telling has left its number there, and goes. The teller clears the bit only if the
 * number is still the one that it told, else it tells the new one.
 *
 *   One at a time: the bit. What a teller wrote while telling is seen by the next one.
 *   Never backwards, never twice: `state` changes by compare-and-swap only, and only upwards; each number told is the one in `state`, and it
 *     is told once, by the thread that put it there or by the teller that failed to clear the bit because of it.
 *   The last is the total: when the bit is clear, the number in `state` was told. The total is offered last (teller_tell() when all
 *     workers have ended, or a worker that knows), so it is told, if need be by a teller that is still at it.
 *   Stops nobody: an offer waits for no other thread. It repeats its compare-and-swap only because another one's succeeded. While a
 *     teller is suspended, all others go on, and nothing is shown until it wakes up; then the newest. (A thread that is cancelled or
 *     killed inside of `tell` stops the telling for good.)
 *   Gaps are the plan: only the newest number is told. And whoever tells goes on as long as others bring news faster than it can be told,
 *     so every_ns is best longer than what TELL takes.
 */
struct TALLY_ALIGNED_ teller {
	uint64_t state;      /* atomic, any thread: 2 x the highest number offered, + 1 while a thread tells it */
	uint64_t next_ns;    /* atomic, any thread: no telling before, by the clock of teller_now_ns_() */
	struct tally *tally; /* borrowed; constant, as all below. NULL where only teller_offer() is used */
	/* The front end; may block; may count and offer itself, but with every_ns 0 that does not end: each telling would bring news. */
	void (*tell)(void *arg, uint64_t done);
	void *arg;
	uint64_t every_ns; /* at least that long between two tellings after the first ones; 0: every increment is told */
};

#define TELLER_FIRST 16      /* so many are told without a pause: a short batch is told step by step */
#define TELLER_STRIDE_MAX 16 /* a thread looks at the clock at least every so many of its increments */
#define TELLER_MS(ms) ((ms)*UINT64_C(1000000))

/* TELL is called with ARG and the number, by whichever thread offers it, and by one at a time. */
#define TELLER_INITIALISER(tally, tell, arg, every_ns) \
	{                                              \
		0, 0, tally, tell, arg, every_ns       \
	}

/* A clock that is cheap to read. It moves with the kernel's tick: every 1 to 10 ms. */
static inline uint64_t teller_now_ns_(void)
{
	struct timespec now;
#if defined(CLOCK_MONOTONIC_COARSE)
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
#elif defined(CLOCK_MONOTONIC)
	clock_gettime(CLOCK_MONOTONIC, &now);
#else
	timespec_get(&now, TIME_UTC);
#endif
	return TALLY_CAST_(uint64_t, now.tv_sec) * 1000000000u + TALLY_CAST_(uint64_t, now.tv_nsec);
}

/* Tells DONE, or leaves it to the thread that is telling; nothing if as much was offered before, or DONE is 0. */
TALLY_COLD_ void teller_offer(struct teller *t, uint64_t done)
{
	const uint64_t mine = 2 * done + 1;
	/* relaxed: a guess; the compare-and-swap finds out whether it still holds. */
	uint64_t seen = __atomic_load_n(&t->state, __ATOMIC_RELAXED);
	/* acquire: pairs with the release of the teller before; what it did is seen when telling.
	 * release: pairs with the acquire of a teller that finds this; it sees what was counted. relaxed on failure: it is tried again. */
	do {
		if (seen / 2 >= done)
			return; /* no news, and whoever offered as much sees to it */
	} while (!__atomic_compare_exchange_n(&t->state, &seen, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	if (seen & 1)
		return; /* there is a teller, and it will find our number */
	seen = mine;
	do {
		t->tell(t->arg, seen / 2);
		/* release: pairs with the acquire of the next teller. acquire on failure: pairs with the release of who left a higher number,
		 * which SEEN is now. */
	} while (!__atomic_compare_exchange_n(&t->state, &seen, seen - 1, false, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE));
}

/* A look at the clock: is it time to tell? The stride aims at eight looks between two tellings, and is found anew with each look. */
TALLY_COLD_ bool teller_look_(struct teller *t, struct teller_pace *pace)
{
	if (t->every_ns == 0)
		return true;
	if (pace->told < TELLER_FIRST) {
		pace->told++;
		return true;
	}
	const uint64_t now = teller_now_ns_(), since = now - pace->looked_ns, aim = t->every_ns / 8;
	pace->looked_ns = now;
	if (since > aim)
		pace->stride = TALLY_CAST_(uint32_t, pace->stride * aim / since);
	else if (pace->stride < TELLER_STRIDE_MAX)
		pace->stride *= 2;
	pace->stride += pace->stride == 0;
	pace->left = pace->stride - 1;
	/* relaxed, both: whoever gets a turn too many or too few, teller_offer() keeps the promises. */
	uint64_t next = __atomic_load_n(&t->next_ns, __ATOMIC_RELAXED);
	/* A clock that was set back (there is no other where the C library keeps POSIX away) must not silence it until then. */
	return (now >= next || next - now > 2 * t->every_ns) &&
	       __atomic_compare_exchange_n(&t->next_ns, &next, now + t->every_ns, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* After an increment of the thread whose PACE this is: is it time to offer the value? At most once per every_ns over all threads, after the
 * first TELLER_FIRST. */
static inline bool teller_due(struct teller *t, struct teller_pace *pace)
{
	if (TALLY_RARE_(pace->left == 0))
		return teller_look_(t, pace);
	pace->left--;
	return false;
}

/* Tells the value as it is now: when all workers have ended, and whenever the front end wants to know. */
static inline void teller_tell(struct teller *t)
{
	teller_offer(t, tally_value(t->tally));
}

/* tally_add(), and tells when it is time. While threads count, the display is behind by every_ns and the clock's tick, and by
 * TELLER_STRIDE_MAX increments of a thread at most. When they stop, what came since is told by teller_tell(), or when they go on. */
static inline void teller_add(struct teller *t, struct tally_seat *seat)
{
	tally_add(seat);
	if (TALLY_RARE_(teller_due(t, &seat->pace)))
		teller_tell(t);
}

/* ---- a tally with a line for each CPU ------------------------------------------------------------------------------------------------
 *
 * For more threads than a line each would be worth. On one CPU only preemption, a signal or a move to another CPU can come between "which
 * CPU is this?" and "add one there". A restartable sequence asks the kernel to say so: it then jumps back to the start (rseq: Desnoyers,
 * Linux 4.18; glibc 2.35 registers each thread). Where that is missing, adds are locked additions to one shared word: as right, and dearer.
 * Promises: as tally_value(); not linearizable. Race detectors cannot see into the sequence.
 */
struct TALLY_ALIGNED_ tally_slot {
	uint64_t count; /* atomic. Added to by whoever runs on this CPU */
};

struct TALLY_ALIGNED_ tally_percpu {
	struct tally_slot *slots; /* owned; constant between open and close */
	uint64_t cpus;            /* how many; 0: there are no restartable sequences */
	uint64_t elsewhere __attribute__((
		aligned(TALLY_PAIR_BYTES))); /* atomic. Counted by threads without a registration, or on a CPU beyond */
};

#define TALLY_PERCPU_INITIALISER \
	{                        \
		NULL, 0, 0       \
	}

/* Makes a slot for each CPU that the machine is configured for. 0; or ENOSYS where kernel, C library or processor have no restartable
 * sequences, ENOMEM: then the tally counts as well, on its shared word. Needed once before the first add that is to be cheap. */
TALLY_COLD_ int tally_percpu_open(struct tally_percpu *t)
{
	t->slots = NULL;
	t->cpus = 0;
	t->elsewhere = 0;
#if TALLY_HAS_PERCPU
	const long cpus = __rseq_size == 0 ? 0 : sysconf(_SC_NPROCESSORS_CONF);
	if (cpus < 1)
		return ENOSYS;
	void *memory = aligned_alloc(TALLY_PAIR_BYTES, TALLY_CAST_(size_t, cpus) * sizeof(struct tally_slot));
	if (!memory)
		return ENOMEM;
	t->slots = TALLY_CAST_(struct tally_slot *, memory);
	t->cpus = TALLY_CAST_(uint64_t, cpus);
	for (uint64_t i = 0; i < t->cpus; i++)
		t->slots[i].count = 0;
	return 0;
#else
	return ENOSYS;
#endif
}

/* No thread may use it. It may be opened again. */
TALLY_COLD_ void tally_percpu_close(struct tally_percpu *t)
{
	free(t->slots);
	t->slots = NULL;
	t->cpus = 0;
}

/* Counts one, from any thread, without a seat. Not for a library that is unloaded while threads that called it live on: until a thread is
 * interrupted the next time, the kernel may look for the sequence that it was last in. */
static inline void tally_percpu_add(struct tally_percpu *t)
{
#if TALLY_HAS_PERCPU
	/* The descriptor (struct rseq_cs, in a section of its own) names the sequence and where to go when it was interrupted. The kernel
	 * goes there only if the signature that the C library registered stands before the target. Everything between "begin" and "end" may
	 * run any number of times; the addition is its last instruction, so it happens once or not at all. The CPU number is compared
	 * unsigned: the negative values of an unregistered thread lie beyond `cpus` too, and all do when that is 0.
	 * C++ puts an inline function into each file that calls it, in a section group (COMDAT) of which the linker keeps one. Descriptor
	 * and abort handler must be kept or dropped with it, so they join that group, if there is one ("?", as in tcmalloc); else the linker
	 * would find them to point into what it has dropped. The function names its descriptor, and that the handler, so --gc-sections
	 * keeps all three or none. */
	__asm__ volatile(
		".pushsection __rseq_cs, \"aw?\"\n\t" /* "?": in the section group of the function around, if that is in one; see above */
		".balign 32\n"
		".Ltally_descriptor%=:\n\t"
		".long 0, 0\n\t" /* version, flags */
		".quad .Ltally_begin%=, .Ltally_end%= - .Ltally_begin%=, .Ltally_abort%=\n\t"
		".popsection\n\t"
		".pushsection __rseq_cold, \"ax?\"\n\t"
		".byte 0x0f, 0xb9, 0x3d\n\t" /* makes the signature part of an undefined instruction; nobody gets here */
		".long %c[signature]\n"
		".Ltally_abort%=:\n\t"
		"jmp .Ltally_restart%=\n"
		".Ltally_elsewhere%=:\n\t"
		"lock addq $1, %[elsewhere]\n\t"
		"jmp .Ltally_end%=\n\t"
		".popsection\n"
		".Ltally_restart%=:\n\t"
		"leaq .Ltally_descriptor%=(%%rip), %%rax\n\t"
		"movq %%rax, %%fs:%c[cs](%[rseq])\n"
		".Ltally_begin%=:\n\t"
		"movl %%fs:%c[cpu](%[rseq]), %%eax\n\t"
		"cmpq %[cpus], %%rax\n\t"
		"jae .Ltally_elsewhere%=\n\t"
		"shlq $7, %%rax\n\t" /* TALLY_PAIR_BYTES */
		"addq $1, (%[slots], %%rax)\n"
		".Ltally_end%=:"
		: [elsewhere] "+m"(t->elsewhere)
		: [rseq] "r"(__rseq_offset), [cs] "i"(offsetof(struct rseq, rseq_cs)), [cpu] "i"(offsetof(struct rseq, cpu_id)),
		[cpus] "r"(t->cpus), [slots] "r"(t->slots), [signature] "i"(RSEQ_SIG)
		: "rax", "cc", "memory");
#else
	/* release: pairs with the acquire in tally_percpu_value(); publishes what was counted. */
	__atomic_fetch_add(&t->elsewhere, 1, __ATOMIC_RELEASE);
#endif
}

/* How many were counted: monotone, complete, exact at rest. */
static inline uint64_t tally_percpu_value(const struct tally_percpu *t)
{
	/* acquire, here and below: what was counted is seen as well; on x86 every store is a release. */
	uint64_t sum = __atomic_load_n(&t->elsewhere, __ATOMIC_ACQUIRE);
	for (uint64_t i = 0; i < t->cpus; i++)
		sum += __atomic_load_n(&t->slots[i].count, __ATOMIC_ACQUIRE);
	return sum;
}

#endif
#endif
