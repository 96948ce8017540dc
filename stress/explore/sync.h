/* SPDX-License-Identifier: MIT */
/* What the files sync_*.c share: the pthread and C11 thread functions, semaphores, futexes and clocks of explored code.
 *
 * Model. Every synchronisation object is a chain location of the graph (struct location): its value is the runtime's own (a mutex: 0, or
 * its owner + 1), never the object's memory. Whether an operation blocks and what it writes is a pure function of the operation and the
 * value that it reads, so an exhaustive search may try it against any store. What else there is to know about an object (who waits, how
 * deep a lock is nested, where it was taken) lies in a side table, which is right at every step because the operations on one object are
 * performed in chain order; it is forgotten with each execution.
 *
 * A wait that may end in more than one way (signal, time-out, spurious wake-up, cancellation) is a free choice made when it begins:
 * 0 is the plain way. That loses nothing: what a waiter does between the end of its wait and its next step concerns nobody else, so a
 * wait that times out while it is not signalled equals one that never stood in the queue. Searches that sample make the choice too, and
 * besides, time passes when nobody can move (sync_time_passes).
 */
#ifndef ONCEPROOF_EXPLORE_SYNC_H
#define ONCEPROOF_EXPLORE_SYNC_H

#include <pthread.h>
#include <time.h>
#include <unwind.h>

#include "runtime.h"

#define SYNC_SITE __builtin_return_address(0)

enum sync_kind {
	SYNC_MUTEX,
	SYNC_COND,
	SYNC_RWLOCK,
	SYNC_SPIN,
	SYNC_BARRIER,
	SYNC_ONCE,
	SYNC_SEMAPHORE,
	SYNC_FUTEX,
	SYNC_KEYS,   /* the table of keys */
	SYNC_CANCEL, /* a thread's request to end: 0 or 1 */
};

/* The value of any object that was destroyed. */
#define SYNC_DESTROYED 0xffffffffu

/* A synchronisation object in this execution. */
struct sync_object {
	uint64_t address;
	uint64_t location; /* names its location in the graph: the address, unless another kind of object was there before */
	uint64_t value;    /* the newest, in the order of execution */
	uint8_t kind;      /* enum sync_kind */
	uint8_t type;      /* mutex: PTHREAD_MUTEX_NORMAL, … */
	bool robust;       /* mutex */
	bool died;         /* robust mutex: its holder has taken it over from a dead thread and has not made it consistent */
	bool made;         /* by an init function, in this execution */
	uint8_t layer;     /* kinds of object that were at the address before */
	uint16_t owner;    /* thread + 1 that holds it alone; 0: nobody */
	uint32_t nested;   /* recursive mutex: locks beyond the first */
	uint32_t parties;  /* barrier: threads that meet */
	uint32_t unheard;  /* cond, futex: signals while nobody waited */
	uint64_t mutex;    /* cond: address of the mutex that its waiters gave */
	clockid_t clock;   /* cond: of absolute times */
	const void *site;  /* where it was taken last */
	uint8_t queued;    /* cond, futex: threads that wait, longest first */
	uint8_t queue[GRAPH_THREADS_MAX]; /* rwlock: by thread, how often it holds the lock for reading */
};

/* A cleanup handler, innermost first in struct sync_thread. A buffer of pthread_cleanup_push() ends in one: its four spare words. */
struct sync_handler {
	struct sync_handler *previous;
	void *jump; /* the buffer to jump to; NULL: call run(arg) */
	void (*run)(void *);
	void *arg; /* of a jump: the depth of calls there */
};

/* How a wait ends. */
enum sync_way { SYNC_PLAIN, SYNC_TIME_OUT, SYNC_SPURIOUS, SYNC_CANCELLED };

enum { SYNC_NAPS_MAX = 512 };

/* What a thread has of its own in this execution. */
struct sync_thread {
	uint32_t generation;
	/* Waiting (sync_wait). */
	bool woken;       /* by an event of another thread */
	bool timed;       /* this wait has a time limit, or ends in another way that this execution need not have */
	bool expired;     /* the limit has passed because nobody could move */
	bool cancellable; /* a request to cancel ends it */
	bool heard;       /* somebody was woken by a signal on what it waits for, after it began */
	event_id woken_by;
	uint64_t deadline_ns;
	struct sync_object *waits_on;
	const char *waits_as; /* "cond", "futex", … */
	bool (*done)(void *arg, event_id *from);
	void *done_arg;
	void (*describe)(void *arg, char *text, size_t bytes);
	/* The end of the thread. */
	struct sync_handler *handler;
	void *result;
	bool finished, unwinding;
	uint32_t held;               /* locks */
	bool cancel_off, cancel_now; /* pthread_setcancelstate, pthread_setcanceltype */
	bool cancel_pending;
	event_id cancel_by;
	/* Time-outs in a row on one object. */
	const void *late_on;
	uint32_t late;
	/* Time. Naps: of all sleeps up to event `number`, the sum. */
	bool rested; /* slept, when others had made so many steps: */
	uint32_t others;
	uint32_t clock_reads, naps;
	struct sync_nap {
		uint32_t number;
		uint64_t sum_ns;
	} nap[SYNC_NAPS_MAX];
	char name[16];
	struct _Unwind_Exception unwind;
};

/* All mutable state; mapped. */
enum { SYNC_OBJECTS_MAX = 1 << 16, SYNC_SLOTS = 1 << 17, SYNC_SYSCALLS_MAX = 512 };
struct sync_slot {
	uint64_t key;
	uint32_t generation, index;
};
struct sync {
	uint32_t generation;  /* of the execution */
	uint32_t count;       /* objects */
	bool cancel_seen;     /* some execution of the program called pthread_cancel */
	bool cancel_modelled; /* an exhaustive search takes requests to cancel as events */
	char syscall_name[SYNC_SYSCALLS_MAX][16];
	struct sync_thread thread[GRAPH_THREADS_MAX];
	struct sync_object object[SYNC_OBJECTS_MAX];
	struct sync_slot slot[SYNC_SLOTS];
};
extern struct sync *sync_state; /* set once, by the first sync_clear */

/* --- objects ------------------------------------------------------------------------------------------------------------------- */

/* The object of KIND at ADDRESS; if it is new, its value comes from INITIAL (NULL: 0), which may look at its memory. */
struct sync_object *sync_object(const void *address, enum sync_kind kind, void (*initial)(struct sync_object *o));

/* The same for an operation on an object: also looks whether its memory may be touched now, acts on an asynchronous cancellation, and
 * sees that a destroyed object was made anew by a static initialiser. */
struct sync_object *sync_use(const void *address, enum sync_kind kind, void (*initial)(struct sync_object *o), const void *site);

/* An init function was called: BYTES at the address become the runtime's; the object gets VALUE. Its memory is to be written by the
 * caller, who asks the C library. */
struct sync_object *sync_make(void *address, size_t bytes, enum sync_kind kind, uint64_t value, const void *site);

/* Marks an object as destroyed if BUSY(value) says that it may be; its memory is filled with ones, by which a static initialiser is
 * told later. Returns false if it was in use or destroyed already, after noting that. */
bool sync_destroy(struct sync_object *o, size_t bytes, bool (*busy)(uint64_t value), const char *use, const void *site);

/* The object's memory is about to be read or written by a function on it. */
void sync_touch(uint64_t address, size_t bytes, bool write, const void *site);

/* The beginnings of an operation on O: an update. */
struct operation sync_operation(const struct sync_object *o, enum step_tag tag, enum order order,
	enum applied (*apply)(const struct operation *op, uint64_t value, uint64_t *written), const void *site);

/* A function that a loop may repeat without effect: explored_NAME keeps its caller's registers in runtime->registers (see spin.c) and
 * goes on in kept_NAME with everything as it was. r10 and r11 are free between functions. */
#define SYNC_KEEPS_REGISTERS(NAME)                                                                                         \
	__asm__(".text\n.globl explored_" #NAME "\n.type explored_" #NAME ", @function\n.p2align 4\nexplored_" #NAME ":\n" \
		"\tmovq runtime(%rip), %r10\n\ttestq %r10, %r10\n\tjz kept_" #NAME "\n\tmovq %rbx, (%r10)\n"               \
		"\tmovq %rbp, 8(%r10)\n\tmovq %r12, 16(%r10)\n\tmovq %r13, 24(%r10)\n\tmovq %r14, 32(%r10)\n"              \
		"\tmovq %r15, 40(%r10)\n\tleaq 8(%rsp), %r11\n\tmovq %r11, 48(%r10)\n\tjmp kept_" #NAME "\n"               \
		".size explored_" #NAME ", . - explored_" #NAME "\n")

/* runtime_poll on O, likewise: for an operation that tries, in a function with SYNC_KEEPS_REGISTERS. */
uint64_t sync_poll(struct sync_object *o, struct operation *op, bool *wrote);

/* runtime_perform on O, keeping its newest value. Returns the value that was read. */
uint64_t sync_perform(struct sync_object *o, struct operation *op, bool *wrote);

/* "mutex 0x… held by thread 2 (locked at 0x…)". */
void sync_describe(void *object, char *text, size_t bytes);
const char *sync_kind_name(const struct sync_object *o);

/* Misuse of O by the running thread at SITE; WHAT is "unlocks a mutex that thread 2 holds". The place where O was taken is named too. */
void sync_misuse(const struct sync_object *o, const void *site, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Nothing that follows would mean anything: ends the execution behind a misuse. */
_Noreturn void sync_undefined(void);

/* --- threads and waits ------------------------------------------------------------------------------------------------------------ */

struct sync_thread *sync_thread(unsigned thread);
static inline struct sync_thread *sync_self(void)
{
	return sync_thread(runtime->current);
}

static inline pthread_t sync_handle(unsigned thread)
{
	return (pthread_t)(thread + 1) << 12;
}
/* The thread that HANDLE names, or NULL. */
struct thread *sync_by_handle(pthread_t handle);

/* A time limit. */
struct sync_limit {
	bool timed, passed;
	uint64_t deadline_ns; /* virtual */
};
/* An absolute limit by CLOCK; NULL: none. 0, or EINVAL. */
int sync_limit(const struct timespec *at, clockid_t clock, struct sync_limit *limit);

/* How an operation that can be taken treats a value that it can go on with, and one that it cannot: see sync_acquire(). */
enum sync_mode { SYNC_WAITS, SYNC_TRIES, SYNC_LATE };
static inline enum applied sync_available(const struct operation *op)
{
	return op->expected == SYNC_LATE ? APPLIED_BLOCK : APPLIED_WRITE;
}
static inline enum applied sync_unavailable(const struct operation *op)
{
	return op->expected == SYNC_WAITS ? APPLIED_BLOCK : APPLIED_READ;
}

/* Takes O with OP, whose apply uses the two functions above. Waits as long as it has to and may; acts on cancellation if CANCELLABLE.
 * 0 or ETIMEDOUT; *VALUE is what was read, *WROTE whether it was taken (it may be neither: a destroyed object). */
int sync_acquire(struct sync_object *o, struct operation *op, const struct sync_limit *limit, bool cancellable, uint64_t *value,
	bool *wrote);

/* Chooses how a wait of the running thread on OBJECT ends. */
enum sync_way sync_choose_way(const void *object, const struct sync_limit *limit, bool spurious, bool cancellable);

/* Waits until done(arg, &from), or in a sampling search until the limit or a cancellation ends the wait. Returns SYNC_PLAIN,
 * SYNC_TIME_OUT or SYNC_CANCELLED. */
enum sync_way sync_wait(enum step_tag tag, bool (*done)(void *arg, event_id *from), void *arg, const struct sync_limit *limit,
	bool cancellable, void (*describe)(void *arg, char *text, size_t bytes), const void *site);

/* The queue of a cond or futex: the running thread joins it, waits to be woken from it, leaves it unwoken; wakes the N-th waiter. */
void sync_queue_join(struct sync_object *o, const char *as);
enum sync_way sync_queue_wait(
	struct sync_object *o, enum step_tag tag, const struct sync_limit *limit, bool cancellable, const void *site);
void sync_queue_wake(struct sync_object *o, unsigned n);

/* --- cancellation (sync_cancel.c, sync_unwind.c) ------------------------------------------------------------------------------------- */

/* A cancellation point: acts on a request, or returns. */
void sync_cancel_point(const void *site);
/* The same in a function with SYNC_KEEPS_REGISTERS that does nothing else that others see. */
void sync_cancel_poll(const void *site);
/* Could a request to cancel reach the running thread? */
bool sync_cancel_possible(void);
/* Is there one, in a search that samples? */
bool sync_cancel_asked(const struct sync_thread *self);
/* In an exhaustive search: waits for the request. */
void sync_cancel_await(const void *site);
/* Acts: never returns. */
_Noreturn void sync_cancel_act(const void *site);
/* Ends the running thread: cleanup handlers, then destructors. */
_Noreturn void sync_exit(void *result);

/* --- time ----------------------------------------------------------------------------------------------------------------------------- */

/* Virtual time as the running thread sees it: grows with what it knows to have happened and with its own sleeps. */
uint64_t sync_now(void);
/* The running thread's time goes on to at least UNTIL. */
void sync_time_to(uint64_t until_ns);
/* Virtual time of a clock's zero, negated. */
uint64_t sync_clock_base(clockid_t clock);

/* --- for others ------------------------------------------------------------------------------------------------------------------------- */

/* Does T wait on a condition variable or futex that was signalled while nobody waited, and by nobody since T waits? Says so in TEXT. */
bool sync_lost_wakeup(const struct thread *t, char *text, size_t bytes);

/* Nobody can move. If some thread's wait has a time limit, the earliest ends and true is returned. Not in exhaustive search. */
bool sync_time_passes(void);

/* Is T stuck in a wait that the search ends in another way in another execution, so that this is no deadlock? */
bool sync_may_end(const struct thread *t);

/* A new exploration begins: forgets what earlier executions told about the program. */
void sync_forget(void);

/* Calls SEE for every value that a live thread keeps under a key: such values are reachable. */
void sync_each_value(void (*see)(void *value, void *arg), void *arg);

/* sync_key.c: destructors of the running thread; a new execution. */
void sync_keys_end(void);
void sync_keys_clear(void);

/* sync_guard.c: destructors of the running thread's thread-local variables, the last one first. */
void sync_locals_end(void);

/* sync_mutex.c: the running thread ends: robust mutexes pass on, others are a finding. */
void sync_locks_end(void);

/* Reads BYTES of an argument, writes a result, as explored code does it. */
void sync_read(const void *from, size_t bytes, const void *site);
void sync_write(void *to, const void *value, size_t bytes, const void *site);

#endif
