/* SPDX-License-Identifier: MIT */
/* once: one instance, loaded by whoever needs it first. For C11 (or gnu99) and C++11, gcc and clang; nothing to link but threads.
 *
 *   static struct model *load_model(void) { ... }             a new instance; or NULL, with errno saying why
 *   ONCE_DEFINE(struct model, the_model, load_model);
 *   ...
 *   struct model *m = the_model();                            loaded by the first call, and the same from then on
 *
 * the_model() may be called by any thread at any time. Once the instance is there it is one load and one branch, and writes nothing.
 * Until then one thread loads and the others wait for it: they look again for about as long as a sleep costs, then sleep. NULL with
 * errno: this call's own load failed; nothing is kept of that, and the next call tries again. So it is after a load that was cancelled,
 * ended by pthread_exit(), or left by a C++ exception (which goes on to the caller; C in between must be compiled with -fexceptions).
 * Whoever waits for such a load goes on and tries.
 *
 * EDEADLK   the call comes out of the object's own load, which could therefore not end: from a function that the loader calls, in
 *           whatever file, or from a signal handler that interrupts it. Two loaders that wait for each other's objects are not noticed.
 * fork      a child that another thread forks while an instance is being loaded loads one of its own. If a loader itself forks, the
 *           child should call exec or _exit: to this object, a load that goes on in there is one that died.
 *
 * Several files share an instance by ONCE_DECLARE(struct model, the_model) in a header, and ONCE_PROVIDE(struct model, the_model,
 * load_model) in one file. the_model_reset() takes the instance out and hands it to its caller, or gives NULL where there is none; the
 * next call of the_model() loads anew. Whether somebody still uses the old one is the caller's to know. Objects inside other structs, or
 * made at run time, are struct once: set to ONCE_INIT or zeroed (calloc() does), then once_get(), once_peek() and once_reset().
 *
 * ONCE_NO_FUTEX, defined above the #include, takes mutex and condition variable also where there are futexes; files that share an object
 * must agree on it. ONCE_SPIN_NS is how long to look again before sleeping.
 */
#ifndef ONCEPROOF_ONCE_H
#define ONCEPROOF_ONCE_H

/* -std=c99 by itself hides POSIX's clocks, and has none of its own. */
#ifndef __GNUC__
#error "<onceproof/once.h> needs gcc or clang: it uses their __atomic functions and attributes"
#elif defined(__cplusplus) && __cplusplus < 201103L
#error "<onceproof/once.h> needs C++11 or later: compile with -std=c++11 or -std=gnu++11"
#elif !defined(__cplusplus) && (!defined(__STDC_VERSION__) || __STDC_VERSION__ < 199901L)
#error "<onceproof/once.h> needs C11, or C99 with POSIX: compile with -std=gnu11, -std=c11 or -std=gnu99"
#elif !defined(__cplusplus) && __STDC_VERSION__ < 201112L && defined(__STRICT_ANSI__) && !defined(_POSIX_C_SOURCE) && \
	!defined(_XOPEN_SOURCE) && !defined(_DEFAULT_SOURCE) && !defined(_GNU_SOURCE)
#error "<onceproof/once.h> needs C11, or C99 with POSIX: compile with -std=gnu11, -std=c11 or -std=gnu99"
#else /* what follows is not read, and nothing else complained of, where one of these is missing */

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__) && !defined(ONCE_NO_FUTEX)
#define ONCE_FUTEX_ 1
#include <sys/syscall.h>
#endif

/* Does a thread that is cancelled or calls pthread_exit() unwind its stack as an exception does? Elsewhere (musl, macOS) it runs what
 * pthread_cleanup_push() left, and no destructors. */
#ifndef ONCE_CANCEL_UNWINDS_
#if defined(__GLIBC__) || defined(__FreeBSD__)
#define ONCE_CANCEL_UNWINDS_ 1
#else
#define ONCE_CANCEL_UNWINDS_ 0
#endif
#endif
#if defined(__cplusplus) && defined(__EXCEPTIONS) && !ONCE_CANCEL_UNWINDS_
#include <exception>
#endif

/* Who looks again for as long as a sleep and a wake cost, and only then sleeps, pays at most twice what the best choice in hindsight would
 * have cost (A. Karlin et al., "Empirical Studies of Competitive Spinning for a Shared-Memory Multiprocessor", 1991). A sleep and a wake
 * take 5 us, or up to 50 in a virtual machine, whose idle processors stop. A time and no number of turns: an x86 pause takes 4 to 45 ns. */
#ifndef ONCE_SPIN_NS
#define ONCE_SPIN_NS 50000
#endif

/* Also where a compiler counts bytes: the call would be larger than what it calls. */
#define ONCE_INLINE_ __attribute__((always_inline, unused)) static inline

#if defined(__cplusplus) && !defined(ONCE_FUTEX_)
/* C++ wants one meaning of a name in all files of a program, and these may disagree on ONCE_NO_FUTEX. */
inline namespace once_without_futex_
{
#endif
/* Zeroed: nothing is loaded. Not to be copied or moved; its fields are private. Before it is freed it is reset, and nothing else. */
struct once {
	void *instance; /* what get returns, or NULL; written by who loads or resets, read by all */
#ifdef ONCE_FUTEX_
	uint32_t state; /* ONCE_EMPTY_, ONCE_READY_, or who loads (see there); the word that waiters sleep on */
	int cpu;        /* the loader's, counted from 1, when it began: a hint; written by who loads, read by who waits */
#else
	int process;           /* whose mutex and condition variable these are: see once_enter_() */
	int loading;           /* written with the mutex held; who waits looks at it without */
	unsigned asleep;       /* how many wait for `settled`; this and the next belong to the mutex */
	pthread_t loader;      /* who loads, while `loading` */
	pthread_mutex_t mutex; /* not held during a load */
	pthread_cond_t settled;
#endif
};
#if defined(__cplusplus) && !defined(ONCE_FUTEX_)
}
#endif

#ifdef __cplusplus
#define ONCE_INIT \
	{         \
	}
#else
#define ONCE_INIT \
	{         \
		0 \
	}
#endif

/* What *it holds; where that is nothing yet, LOAD(ARG) makes a new instance, or returns NULL and sets errno (EIO is told where it does
 * not). Borrowed until a reset. NULL: this call's own load failed, and the next call tries again; or, EDEADLK, the call comes out of that
 * load. ARG is best an address that needs no reading, as of the struct that *it is in: what a caller must first read it reads at each
 * call. Any thread, any time. */
ONCE_INLINE_ void *once_get(struct once *it, void *(*load)(void *arg), void *arg);

/* The instance, or NULL where none is there (yet); never loads or waits. Any thread, any time. */
ONCE_INLINE_ void *once_peek(const struct once *it);

/* Takes the instance out of *it and returns it: the caller's now. NULL where there is none, also while one is being loaded. Any thread,
 * any time; each instance is given to one caller. */
static inline void *once_reset(struct once *it);

/* At file scope: makes type *name(void), as once_get(), and type *name_reset(void), for this file alone. LOAD: type *load(void). */
#define ONCE_DEFINE(type, name, load)                \
	static struct once name##_once_ = ONCE_INIT; \
	ONCE_LOAD_(static, name, load)               \
	ONCE_ACCESS_(type, name)                     \
	ONCE_SEMICOLON_

/* The same, for all files that have this line, of C and of C++: in a header. */
#define ONCE_DECLARE(type, name)                                  \
	ONCE_EXTERN_ struct once name##_once_;                    \
	ONCE_EXTERN_ void *name##_load_once_(void *once_unused_); \
	ONCE_ACCESS_(type, name)                                  \
	ONCE_SEMICOLON_

/* What ONCE_DECLARE needs: in one file, below it. */
#define ONCE_PROVIDE(type, name, load)        \
	struct once name##_once_ = ONCE_INIT; \
	ONCE_LOAD_(, name, load)              \
	ONCE_SEMICOLON_

/* What follows is private ------------------------------------------------------------------------------------------------------------- */

#ifdef __cplusplus
#define ONCE_CAST_(type, pointer) static_cast<type>(pointer)
#define ONCE_EXTERN_ extern "C"
#define ONCE_SEMICOLON_ static_assert(true, "a semicolon follows")
#else
#define ONCE_CAST_(type, pointer) ((type)(pointer))
#define ONCE_EXTERN_ extern
#define ONCE_SEMICOLON_ struct once /* C99 has no _Static_assert */
#endif
#define ONCE_LOAD_(storage, name, load)                     \
	storage void *name##_load_once_(void *once_unused_) \
	{                                                   \
		(void)once_unused_;                         \
		return load();                              \
	}
#define ONCE_ACCESS_(type, name)                                                             \
	ONCE_INLINE_ type *name(void)                                                        \
	{                                                                                    \
		return ONCE_CAST_(type *, once_get(&name##_once_, name##_load_once_, NULL)); \
	}                                                                                    \
	static inline __attribute__((unused)) type *name##_reset(void)                       \
	{                                                                                    \
		return ONCE_CAST_(type *, once_reset(&name##_once_));                        \
	}

/* A slow path is a function of its own: inlined, it would cost its registers and its size at every call. */
#ifdef __clang__
#define ONCE_SLOW_ __attribute__((noinline, cold, unused)) static
#else
#define ONCE_SLOW_ __attribute__((noinline, noclone, cold, unused)) static
#endif

static inline void once_relax_(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#elif defined(__riscv)
	__asm__ volatile(".4byte 0x100000f"); /* pause; a hint, and so nothing where it is unknown */
#elif defined(__powerpc__)
	__asm__ volatile("or 27,27,27");
#endif
}

/* Some clock. Where it jumps, a thread sleeps earlier, or looks for longer once. */
static inline uint64_t once_now_ns_(void)
{
	struct timespec now;
#ifdef CLOCK_MONOTONIC
	clock_gettime(CLOCK_MONOTONIC, &now);
#else
	timespec_get(&now, TIME_UTC);
#endif
	return ONCE_CAST_(uint64_t, now.tv_sec) * 1000000000u + ONCE_CAST_(uint64_t, now.tv_nsec);
}

#ifdef ONCE_FUTEX_

/* `state`: two values, or twice the loading thread's kernel id, and one more as soon as somebody sleeps. Kernel ids are positive and below
 * 2^30. So one compare-and-swap says who loads, in which process, and there is no moment at which that is half known. After U. Drepper,
 * "Futexes Are Tricky" (2011), with the loader's name added. */
#define ONCE_EMPTY_ 0u
#define ONCE_READY_ 1u
#define ONCE_ASLEEP_ 1u
enum { ONCE_FUTEX_WAIT_PRIVATE_ = 128, ONCE_FUTEX_WAKE_PRIVATE_ = 129 };

/* With -std=c11, or when a standard is asked for by name (_POSIX_C_SOURCE), the C library keeps these two back. */
#if !defined(__cplusplus) && !defined(_GNU_SOURCE)
#ifndef _DEFAULT_SOURCE
extern long syscall(long number, ...);
#endif
extern int sched_getcpu(void);
#endif

static inline uint32_t once_self_(void)
{
	return 2u * ONCE_CAST_(uint32_t, syscall(SYS_gettid));
}

/* Is the loader that STATE names a thread of this process? Not where a fork left it behind. It can be taken for another thread only after
 * the kernel has given its id away again, which takes as many new threads as there are ids. */
static inline int once_lives_(uint32_t state)
{
	return syscall(SYS_tgkill, getpid(), ONCE_CAST_(int, state / 2), 0) == 0 || errno != ESRCH;
}

static inline void once_settle_(struct once *it, void *instance)
{
	/* release: pairs with the acquire in once_get(); whoever sees the instance sees all that the loader wrote. */
	if (instance)
		__atomic_store_n(&it->instance, instance, __ATOMIC_RELEASE);
	/* release: pairs with the acquire in once_elect_(); what an attempt that failed did happens before the next one. */
	uint32_t state = __atomic_exchange_n(&it->state, instance ? ONCE_READY_ : ONCE_EMPTY_, __ATOMIC_RELEASE);
	if (state & ONCE_ASLEEP_)
		syscall(SYS_futex, &it->state, ONCE_FUTEX_WAKE_PRIVATE_, INT_MAX, NULL, NULL, 0);
}

/* Looks until the loader that STATE names has settled, or for ONCE_SPIN_NS. Not on that loader's own processor, where it cannot run
 * meanwhile, and so never where there is one processor only. 1: it has settled. */
static inline int once_spin_(struct once *it, uint32_t state)
{
	/* relaxed: a hint. */
	if (__atomic_load_n(&it->cpu, __ATOMIC_RELAXED) == sched_getcpu() + 1)
		return 0;
	uint64_t start = once_now_ns_(), longest = ONCE_SPIN_NS;
	do {
		/* relaxed: only says when to go on; the instance comes with its own release and acquire. */
		if ((__atomic_load_n(&it->state, __ATOMIC_RELAXED) | ONCE_ASLEEP_) != (state | ONCE_ASLEEP_))
			return 1;
		once_relax_();
	} while (once_now_ns_() - start < longest);
	return 0;
}

/* Until the loader that STATE names has settled; may return early. The state to take over from where that loader is no more, else 0. */
static inline uint32_t once_wait_(struct once *it, uint32_t state)
{
	if (state == ONCE_READY_ || once_spin_(it, state))
		return ONCE_EMPTY_;
	if (!once_lives_(state))
		return state;
	/* relaxed, both: only asks to be woken. The kernel compares again before it sleeps, so a change in between is not missed. */
	uint32_t seen = state & ~ONCE_ASLEEP_, asleep = state | ONCE_ASLEEP_;
	if (__atomic_compare_exchange_n(&it->state, &seen, asleep, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED) || seen == asleep)
		syscall(SYS_futex, &it->state, ONCE_FUTEX_WAIT_PRIVATE_, asleep, NULL, NULL, 0);
	return ONCE_EMPTY_;
}

/* 0 when there is an instance, or when this thread is to load one (*instance stays NULL) and to settle that; or EDEADLK. */
static inline int once_elect_(struct once *it, void **instance)
{
	uint32_t self = once_self_(), from = ONCE_EMPTY_;
	/* acquire: as in once_get(). */
	while (!(*instance = __atomic_load_n(&it->instance, __ATOMIC_ACQUIRE))) {
		/* Whoever sleeps for a loader that died sleeps for its successor. */
		uint32_t seen = from, next = self | (from & ONCE_ASLEEP_);
		/* acquire: pairs with the release in once_settle_(). relaxed when it fails: nothing is read on its word. */
		if (__atomic_compare_exchange_n(&it->state, &seen, next, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			/* relaxed: a hint. */
			__atomic_store_n(&it->cpu, sched_getcpu() + 1, __ATOMIC_RELAXED);
			return 0;
		}
		if ((seen | ONCE_ASLEEP_) == (self | ONCE_ASLEEP_))
			return EDEADLK;
		from = seen == ONCE_EMPTY_ ? ONCE_EMPTY_ : once_wait_(it, seen);
	}
	return 0;
}

static inline void *once_reset(struct once *it)
{
	uint32_t seen = ONCE_READY_, self = once_self_();
	/* acquire: the instance is handed over with all that its loader wrote; kept though the laboratory's close, which runs alone, does
	 * not need it. relaxed when it fails: nothing is read on its word. A state whose thread a fork left behind may have an instance. */
	while (!__atomic_compare_exchange_n(&it->state, &seen, self, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		if (seen == ONCE_EMPTY_ || (seen != ONCE_READY_ && once_lives_(seen)))
			return NULL;
	/* relaxed, both: nobody else writes to it while this thread has the state. */
	void *instance = __atomic_load_n(&it->instance, __ATOMIC_RELAXED);
	__atomic_store_n(&it->instance, NULL, __ATOMIC_RELAXED);
	once_settle_(it, NULL);
	return instance;
}

#else /* mutex and condition variable */

/* Makes mutex and condition variable, once in each process: those that a fork found in use would stay so in the child for ever. */
static inline void once_enter_(struct once *it)
{
	int self = getpid();
	/* acquire, here and below: pairs with the release at the end; the mutex is whole. */
	int seen = __atomic_load_n(&it->process, __ATOMIC_ACQUIRE);
	while (seen != self) {
		/* relaxed: nobody else writes here until the release below. */
		if (seen != -self &&
			__atomic_compare_exchange_n(&it->process, &seen, -self, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			pthread_mutex_init(&it->mutex, NULL);
			pthread_cond_init(&it->settled, NULL);
			it->asleep = 0;
			/* relaxed: published with the mutex. */
			__atomic_store_n(&it->loading, 0, __ATOMIC_RELAXED);
			/* release: see above. */
			__atomic_store_n(&it->process, self, __ATOMIC_RELEASE);
			return;
		}
		sched_yield();
		seen = __atomic_load_n(&it->process, __ATOMIC_ACQUIRE);
	}
}

static inline void once_settle_(struct once *it, void *instance)
{
	once_enter_(it);
	pthread_mutex_lock(&it->mutex);
	/* release: pairs with the acquire in once_get(); whoever sees the instance sees all that the loader wrote. */
	if (instance)
		__atomic_store_n(&it->instance, instance, __ATOMIC_RELEASE);
	/* relaxed: ordered by the mutex; who looks at it without takes nothing but a hint from it. */
	__atomic_store_n(&it->loading, 0, __ATOMIC_RELAXED);
	if (it->asleep)
		pthread_cond_broadcast(&it->settled);
	pthread_mutex_unlock(&it->mutex);
}

/* Gives way while somebody loads, for ONCE_SPIN_NS at most. */
static inline void once_spin_(struct once *it)
{
	uint64_t start = once_now_ns_(), longest = ONCE_SPIN_NS;
	/* relaxed: a hint. */
	while (__atomic_load_n(&it->loading, __ATOMIC_RELAXED) && once_now_ns_() - start < longest)
		sched_yield();
}

static inline void once_leave_(void *it)
{
	ONCE_CAST_(struct once *, it)->asleep--;
	pthread_mutex_unlock(&ONCE_CAST_(struct once *, it)->mutex);
}

/* With the mutex held, and so on return. A cancellation point. */
static inline void once_sleep_(struct once *it)
{
	it->asleep++;
	pthread_cleanup_push(once_leave_, it);
	pthread_cond_wait(&it->settled, &it->mutex);
	pthread_cleanup_pop(0);
	it->asleep--;
}

/* 0 when there is an instance, or when this thread is to load one (*instance stays NULL) and to settle that; or EDEADLK. */
static inline int once_elect_(struct once *it, void **instance)
{
	int error = 0;
	once_enter_(it);
	once_spin_(it);
	pthread_mutex_lock(&it->mutex);
	/* relaxed, all: written with this mutex held only. */
	while (__atomic_load_n(&it->loading, __ATOMIC_RELAXED) && !error) {
		if (pthread_equal(it->loader, pthread_self()))
			error = EDEADLK;
		else
			once_sleep_(it);
	}
	*instance = __atomic_load_n(&it->instance, __ATOMIC_RELAXED);
	if (!*instance && !error) {
		__atomic_store_n(&it->loading, 1, __ATOMIC_RELAXED);
		it->loader = pthread_self();
	}
	pthread_mutex_unlock(&it->mutex);
	return error;
}

static inline void *once_reset(struct once *it)
{
	once_enter_(it);
	pthread_mutex_lock(&it->mutex);
	/* relaxed, all: written with this mutex held only. */
	void *instance = __atomic_load_n(&it->instance, __ATOMIC_RELAXED);
	__atomic_store_n(&it->instance, NULL, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&it->mutex);
	return instance;
}

#endif

static inline void once_give_up_(void *it)
{
	once_settle_(ONCE_CAST_(struct once *, it), NULL);
}

/* By the elected thread. *error: what errno says when it fails. */
static inline void *once_attempt_load_(struct once *it, void *(*load)(void *arg), void *arg, int *error)
{
	void *instance;
	errno = 0;
#if defined(__cplusplus) && defined(__EXCEPTIONS) && ONCE_CANCEL_UNWINDS_
	/* An exception, and a cancellation, which is one here, leave through its destructor. Local, because files that disagree on
	 * ONCE_NO_FUTEX must not share it: linkers keep one of all functions of one name, also where they say different things. */
	struct once_attempt_ {
		struct once *it;
		~once_attempt_()
		{
			if (it)
				once_give_up_(it);
		}
	} attempt = {it};
	instance = load(arg);
	attempt.it = NULL;
#elif defined(__cplusplus) && defined(__EXCEPTIONS)
	/* A cancellation is for the handler alone. An exception must not leave past the handler, which would stay in the thread's list with its
	 * address in a stack that is no more: so it waits until the handler is taken out. */
	std::exception_ptr thrown;
	instance = NULL;
	pthread_cleanup_push(once_give_up_, it);
	try {
		instance = load(arg);
	} catch (...) {
		thrown = std::current_exception();
	}
	pthread_cleanup_pop(0);
	if (thrown) {
		once_give_up_(it);
		std::rethrow_exception(thrown);
	}
#else
	pthread_cleanup_push(once_give_up_, it);
	instance = load(arg);
	pthread_cleanup_pop(0);
#endif
	*error = errno ? errno : EIO;
	once_settle_(it, instance);
	return instance;
}

ONCE_SLOW_ void *once_get_slowly_(struct once *it, void *(*load)(void *arg), void *arg)
{
	void *instance = NULL;
	int before = errno, error = once_elect_(it, &instance);
	if (!instance && !error)
		instance = once_attempt_load_(it, load, arg, &error);
	errno = instance ? before : error;
	return instance;
}

ONCE_INLINE_ void *once_peek(const struct once *it)
{
	/* acquire: pairs with the release in once_settle_(); no read of the instance may rise above it. */
	return __atomic_load_n(&it->instance, __ATOMIC_ACQUIRE);
}

ONCE_INLINE_ void *once_get(struct once *it, void *(*load)(void *arg), void *arg)
{
	void *instance = once_peek(it);
	if (__builtin_expect(instance == NULL, 0))
		instance = once_get_slowly_(it, load, arg);
	return instance;
}

#endif
#endif
