/* SPDX-License-Identifier: MIT */
/* The runtime behind -fsanitize=thread: what its parts (callbacks, synchronisation, heap, races) share.
 *
 * One kernel thread runs everything. Explored threads are fibers (fiber.h): thread t is fiber t + 1, the host is fiber 0. The host
 * starts an execution (runtime_execute), the fibers run until it ends. Code of the program under exploration enters the runtime
 * through the compiler's callbacks (callbacks.c) and through the functions that are taken over: in its object files, and in no others,
 * every reference to a NAME listed in a taken_*.txt is renamed to explored_NAME (objcopy --redefine-syms; cmake/parts.cmake). So the
 * runtime itself, the searches and the host's code call the C library as usual.
 *
 * Rule: no part has mutable static variables besides pointers to mapped memory that are set once before the first execution: the data
 * segment of the program, which holds the statics, is put back between executions.
 *
 * When is a call from explored code? `runtime_on()`: on a fiber other than the host, during an execution. Otherwise an explored_NAME
 * passes through to NAME.
 */
#ifndef ONCEPROOF_EXPLORE_RUNTIME_H
#define ONCEPROOF_EXPLORE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fiber.h"
#include "graph.h"
#include "search.h"

enum finding_kind {
	FINDING_DATA_RACE,
	FINDING_FORBIDDEN_OUTCOME,
	FINDING_ASSERTION,
	FINDING_DEADLOCK,
	FINDING_LIVELOCK,
	FINDING_LOST_WAKEUP,
	FINDING_USE_AFTER_FREE,
	FINDING_DOUBLE_FREE,
	FINDING_LEAK,
	FINDING_MISUSE,
	FINDING_CRASH,
	FINDING_NONDETERMINISM,
	FINDING_KINDS
};
/* "data-race", … as in results. */
const char *finding_kind_name(enum finding_kind kind);

enum { FRAMES_MAX = 12, PLACES_MAX = 8, FINDINGS_MAX = 64 };

/* Where something happened: the instruction (return address of the call into the runtime; 0: unknown) and its callers, innermost first. */
struct place {
	unsigned thread;
	unsigned frame_count;
	const void *frame[FRAMES_MAX]; /* frame[0] is the site itself */
	char role[96];                 /* "writes 8 bytes", "waits for mutex 0x… held by thread 2" */
};

struct finding {
	enum finding_kind kind;
	char message[320];
	unsigned outcome; /* of a scenario: index of the outcome; UINT32_MAX: none */
	unsigned place_count;
	struct place place[PLACES_MAX];
	bool after_race; /* seen in an execution that went on after a race */
	bool ends;       /* the execution could not go on */
	uint64_t key;    /* findings with equal keys are the same: kind, outcome and sites */
	uint32_t noted;  /* rows that were recorded when it was noted (runtime->recording) */
	uint32_t step;   /* steps that were made by then */
};

struct thread {
	unsigned id;
	bool exists, ended, detached, joined, cancelled;
	bool quiet_end;         /* ended, and its end is known to thread 0 */
	void *(*start)(void *); /* and its argument */
	void *arg, *result;
	event_id end; /* its EVENT_END */
	uint32_t children;
	/* The stack of calls, kept by __tsan_func_entry and _exit: return addresses, outermost first. */
	const void **calls;
	unsigned depth;
	/* While it waits (see runtime_perform, runtime_wait). */
	bool waiting;                             /* cannot move now unless `ready` says otherwise */
	bool (*ready)(void *arg, event_id *from); /* passive waits */
	void *ready_arg;
	void (*describe)(void *arg, char *text, size_t bytes);
	void *sync; /* belongs to the synchronisation part: cleanup handlers, keys, cancellation state */
};

/* What the parts may look at. */
struct runtime {
	uint64_t registers[8]; /* first: rbx, rbp, r12 .. r15 and rsp of the explored code at its last callback (callbacks.c) */
	struct graph *graph;
	struct moment moment;
	struct search *search;
	struct thread thread[GRAPH_THREADS_MAX];
	unsigned current; /* thread that runs */
	unsigned alive;   /* threads that exist and have not ended */
	bool running;     /* an execution is under way */
	bool exited;      /* the program has called exit: threads that cannot go on are no deadlock, but its end */
	bool quiet;       /* one thread is alive and knows all that others did: nothing needs to be an event */
	bool raced;       /* a race was seen in this execution, or some location is treated as racing */
	bool recording;   /* places with calls and plain accesses are noted, for a witness */
	uint64_t execution;
	uint64_t virtual_ns; /* virtual time; see clock.c */
	uint64_t work;       /* of all executions of this process: 16 for a step, 1 for a callback; for plans */
	unsigned findings;   /* of this execution */
	struct finding finding[FINDINGS_MAX];
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; an execution that makes no step looks at it; 0: none */
	bool weak_exchanges;  /* a weak compare-exchange was made; it never fails for no reason here; lasts over executions */
	bool late_waits; /* some wait that ended by itself several times in a row was not let end so again (sync_wait.c); likewise */
	uint64_t lasting;      /* grows with what outlives executions and shapes later ones, besides promotions */
	bool counted_loops;    /* some loop whose state counts was not explored turn by turn (spin.c); lasts over executions */
	bool bounded_turns;    /* turns of some loop were explored up to a bound (spin.c); lasts over executions */
	bool bounded_loops;    /* loops that go on and on are explored up to a bound, and this is no proof; lasts likewise */
	bool left_out;         /* an exhaustive search left something out, for lack of room: no proof; lasts likewise */
	uint64_t reshaped;     /* grows when what earlier executions left out must be explored: as after a promotion */
	bool spurious;         /* cond waits may wake for no reason: a free choice */
	uint64_t uncontrolled; /* calls that the runtime does not control were made: bits of uncontrolled_names */
};
/* The runtime; valid after runtime_start. */
extern struct runtime *runtime;

/* Is this call made by explored code? */
static inline bool runtime_on(void)
{
	return runtime && runtime->running && fiber_current() != 0;
}

static inline struct thread *runtime_thread(void)
{
	return &runtime->thread[runtime->current];
}

/* --- for the synchronisation part ---------------------------------------------------------------------------------------------- */

/* CLOCK_MONOTONIC now. For limits only, never for decisions. */
uint64_t runtime_clock_ns(void);

/* The running thread did something that a comparison of its registers and stack does not show (it read a clock or a file): a loop that
 * does so is not the same again. */
void runtime_effect(void);

/* What every explored_NAME calls first: completes the caller's racing plain access, if one is under way. */
void runtime_enter(void);

/* An operation on the value of a location, as one step: a scheduling point, then the event. op->address names the location (for a
 * synchronisation object its own address, with bytes 4 and chain set; its values are the runtime's, not the memory's), INITIAL its
 * value if the location is new. For EVENT_READ and EVENT_UPDATE op->apply decides. If it says APPLIED_BLOCK for every store that the
 * operation may return, the thread waits; op->waits must be set. Returns the value that was read (0 for a write); *written, if not
 * NULL, tells whether it wrote. DESCRIBE says for a deadlock what the thread waits for; it may be NULL.
 * A thread that can never go on never returns from here: the execution ends without it. */
uint64_t runtime_perform(
	struct operation *op, uint64_t initial, bool *written, void (*describe)(void *arg, char *text, size_t bytes), void *arg);

/* The same for an operation that does not wait and may write nothing (a try): a loop that repeats it without any effect waits for news.
 * The caller has kept the registers of the explored code (runtime->registers) at its entry; see spin.c. */
uint64_t runtime_poll(struct operation *op, uint64_t initial, bool *written);

/* The same for memory that the program sees: the value lives at op->address (used for atomics). */
uint64_t runtime_atomic(struct operation *op, bool *written);

/* Waits until READY(arg, &from) is true, then goes on behind the event FROM (EVENT_AWAIT); 0: no event to be behind. Must be a
 * function of what was performed so far. TAG for tables. */
void runtime_wait(enum step_tag tag, const void *site, bool (*ready)(void *arg, event_id *from),
	void (*describe)(void *arg, char *text, size_t bytes), void *arg);

/* A step that touches no location: a scheduling point and an EVENT_LOCAL (or FENCE with its ORDER). */
event_id runtime_step(enum step_tag tag, enum event_kind kind, enum order order, const void *site);

/* A free choice among COUNT alternatives; 0 is the plain one. An EVENT_LOCAL of its own (tag STEP_CHOICE, value 1 + the alternative),
 * no scheduling point: the search's choice() is called first, then added() for the event. */
uint32_t runtime_choose(unsigned count);

/* Gives way: the next step of another thread is preferred and costs no preemption. */
void runtime_yield(enum step_tag tag, const void *site);

/* Creates a thread that will call start(arg), as a step of the running one. Its number, or UINT32_MAX: too many. Numbers depend on who
 * creates (the parent and its how-manieth child), not on the order of execution. */
unsigned runtime_create(void *(*start)(void *), void *arg, const void *site);

/* Ends the running thread with RESULT, after the synchronisation part has run handlers and destructors. Never returns. */
_Noreturn void runtime_end_thread(void *result);

/* Called at the end of a thread's function or by pthread_exit, before runtime_end_thread: cleanup handlers, key destructors, robust
 * mutexes (threads.c). */
void sync_thread_ends(struct thread *t);
/* A new execution begins: forget all objects (each part has one; sync_clear calls those of the synchronisation part). */
void sync_clear(void);
/* An execution is over with every thread ended: locks still held, … */
void sync_finish(void);

/* --- findings ---------------------------------------------------------------------------------------------------------------- */

/* Notes a finding of this execution. PLACES: where; frames are filled from the calls of the running thread for a place whose
 * frame_count is 0. The same finding twice in one execution is noted once. Returns false if it was there already. */
bool runtime_finding(enum finding_kind kind, const struct place *places, unsigned count, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The place of the running thread: SITE and its callers. */
struct place runtime_place(const void *site, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends the execution here and now (after a finding that nothing can follow, exit, …). Never returns. */
_Noreturn void runtime_stop(enum ending how);

/* The explored code called something that is not under control; NAME is kept (a constant string). The verdict becomes inconclusive if
 * it could matter. */
void runtime_uncontrolled(const char *name);
/* Those of this execution; borrowed. Returns how many. */
unsigned runtime_uncontrolled_names(const char *const **names);

/* --- memory ------------------------------------------------------------------------------------------------------------------- */

/* Explored code is about to access BYTES at ADDRESS by plain accesses (memcpy and such: ranges). SITE: the instruction. This is a
 * scheduling point only where the address is known to race. */
void runtime_access(const void *address, size_t bytes, bool write, const void *site);

/* A taken-over library function has written BYTES at ADDRESS itself (after runtime_access(…, true, …)): completes racing stores. */
void runtime_wrote(void);

/* Memory of the program that will be put back after the execution; to be called before it is changed by something that is not a
 * callback. */
void runtime_save(const void *address, size_t bytes);

/* races.c: the history of plain accesses, by byte. No access is forgotten while it can still race.
 * The clock of a plain access is the number of events of its thread so far. ATOMIC: an atomic access, which races with plain ones only. */
struct race {
	unsigned thread; /* who accessed before */
	bool write, atomic, freed;
	const void *frame[FRAMES_MAX]; /* of the former access; frame[0] its site */
	unsigned frame_count;
	uintptr_t address; /* the bytes that both access, within one 8-byte granule */
	unsigned bytes;
};
int races_start(void);
void races_clear(void);
/* Notes an access by the running thread and looks for earlier ones that it races with; the first is described in *RACE. CLOCK as
 * graph_clock(). NUMBER: events of the thread so far. Returns whether there was one. FREE: the access is free() of the block. */
bool races_access(uintptr_t address, size_t bytes, bool write, bool atomic, bool freed, unsigned thread, const uint32_t *clock,
	uint32_t number, const void *site, struct race *race);
/* Addresses at which plain accesses race are treated as relaxed atomics from then on, in this and all later executions. By 8-byte
 * granule. */
void races_promote(uintptr_t address, size_t bytes);
bool races_promoted(uintptr_t address, size_t bytes);
bool races_any_promoted(void);
void races_forget_promoted(void);
/* The same, and in which pieces racing granules are accessed (racing.c): as in a new process. */
void runtime_forget_races(void);
/* How often something was promoted so far: when it grew, graphs of earlier executions are no longer those of later ones. */
uint64_t races_promotions(void);

/* heap.c: the malloc family of explored threads. Each thread has an arena of its own at a fixed address, so addresses do not depend on
 * the order of execution. Freed memory is not given out again within an execution, so use after free is seen. */
int heap_start(void);
void heap_clear(void);
/* Called for every access to heap memory by explored code, before races_access: reports use after free and accesses outside of blocks.
 * Returns false if the access must not go on (the execution is ended by the caller's finding). */
void heap_check(uintptr_t address, size_t bytes, bool write, const void *site);
bool heap_owns(uintptr_t address);
/* Which block ADDRESS lies in, for people: "24 bytes into a block of 64 bytes allocated at …". Site of the allocation, or NULL. */
const void *heap_block(uintptr_t address, uintptr_t *start, size_t *bytes, unsigned *thread);
/* At the end of a complete execution: blocks that nothing points to any more are leaks (conservatively, from data, thread-local
 * storage, and live blocks; as LeakSanitizer does). */
void heap_leaks(void);

/* --- the execution loop --------------------------------------------------------------------------------------------------------- */

struct runtime_options {
	enum memory_model model;
	bool full_graph;
	uint32_t steps_max; /* events of one execution, after which it is cut */
	uint64_t turns_max; /* callbacks without an event, after which a thread is taken for endless */
	bool spurious;
	bool races_end; /* a race of accesses that are steps ends its execution */
	bool leaks;
};

/* Reserves everything. 0, or an errno value. */
int runtime_start(const struct runtime_options *options);

/* Another model or kind of graph from the next execution on. */
int runtime_configure(const struct runtime_options *options);

/* Runs one execution: thread 0 calls body(arg) on a fiber. Decisions come from SEARCH; the caller has called its begin (after setting
 * runtime->moment.execution) and will call its end. Afterwards the graph and the findings can be looked at until the next one. */
enum ending runtime_execute(struct search *search, void (*body)(void *arg), void *arg);

/* Steps of the recorded execution (runtime->recording), for the table of a witness. */
struct recorded {
	unsigned thread;
	uint8_t tag, order;
	event_id event; /* 0: a plain access */
	uintptr_t address;
	uint32_t bytes;
	bool write, plain, has_read, has_written, stale, blocked;
	uint64_t read, written;
	event_id source;
	unsigned frame_count;
	const void *frame[FRAMES_MAX];
	char note[160]; /* why a stale store could be read; what a choice was */
};
const struct recorded *runtime_recorded(uint32_t *count);
/* How many of them, from the first, tell FINDING of this execution: a race is told with its second access, whatever the program did next. */
uint32_t runtime_told(const struct finding *finding);

#endif
