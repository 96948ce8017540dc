/* SPDX-License-Identifier: MIT */
/* What runtime.c, step.c, spin.c, racing.c, findings.c, record.c and callbacks.c share, and nobody else sees. */
#ifndef ONCEPROOF_EXPLORE_RUNTIME_PRIVATE_H
#define ONCEPROOF_EXPLORE_RUNTIME_PRIVATE_H

#include "runtime.h"

enum {
	CALLS_MAX = 4096,        /* depth of calls that is kept for each thread */
	PIECES_MAX = 32,         /* racing accesses under way at once: pieces of one memcpy */
	SPIN_READS_MAX = 64,     /* reads of one turn of a loop */
	SPIN_TURNS = 8,          /* turns of a loop whose state changes (it counts) that are explored one by one */
	SPIN_TURNS_MAX = 200000, /* turns after which a loop that reads nothing new is taken for endless */
	LOOP_TURNS = 3,          /* turns of a loop that an exhaustive search explores in all ways, once loops are bounded */
	LOOP_ENDLESS = 64,       /* turns by which a loop is found that would keep it busy for ever */
	VISITS_MAX = 16,
	STALE_MAX = 64, /* older stores that a thread reads in a sampled execution */
	SEEN_TURNS = 3, /* turns in an exhaustive search of a loop that takes a lock which others try */
	TRIED_LOCKS_MAX = 256,
	RECORDED_MAX = 20000,
	RACES_TOLD_MAX = 16,
};

enum wait {
	WAIT_NONE,
	WAIT_PASSIVE,   /* runtime_wait: until ready() */
	WAIT_OPERATION, /* a waiting operation that blocks with the newest store: until it does not */
	WAIT_NEWS,      /* went round a loop without effect: until something that it read has a newer store */
	WAIT_STUCK,     /* for good in this execution: blocked reads in a full graph */
};

/* One read of a loop's turn. */
struct spin_read {
	const void *site;
	uint32_t location;
	event_id event, source;
	bool news;      /* the turn before had not read this */
	bool lock;      /* took or gave back a lock: `event` is its store */
	bool tried;     /* took it by trying */
	bool gave;      /* gave it back */
	uint64_t state; /* hash of registers and stack before the read; 0: not taken */
};

/* How often in a row an operation found nothing new. */
struct visit {
	const void *site;
	uint32_t location;
	event_id source; /* of a read */
	uint32_t turns;
};

/* A racing plain access under way. */
struct under_way {
	event_id store; /* of a racing store whose value is not known yet; 0: a racing read */
	void *at;
	uint32_t bytes;
	uint64_t back; /* of a read: the newest value, which is put back */
};

struct inner_thread {
	enum wait wait;
	unsigned under_way_count;
	struct under_way under_way[PIECES_MAX];
	unsigned spin_count;
	uint32_t spin_turns; /* without news */
	uint32_t turn_from;  /* while it waits for news behind a turn that took locks: the turn's first event */
	uint32_t stale;      /* reads that returned an older store, in this execution */
	uint32_t seen_turns; /* turns of a loop that took locks which others try, without news */
	uint64_t held;       /* grows and shrinks with the locks that it holds: the same number, the same locks */
	struct spin_read spin[SPIN_READS_MAX];
	unsigned visits; /* of a full graph; once there are VISITS_MAX, the oldest is overwritten */
	struct visit visit[VISITS_MAX];
	uint64_t turns;      /* callbacks since its last event */
	uint32_t rounds;     /* how often that was very many */
	const void *endless; /* taken for endless here; NULL: not */
	uintptr_t stack_low, stack_bytes;
	bool yields;
	event_id create; /* EVENT_CREATE of its parent */
	int32_t record;  /* recorded plain write whose value is not known yet; -1: none */
	const void *calls[CALLS_MAX];
};

struct inner {
	struct runtime runtime; /* first: `runtime` points here */
	struct runtime_options options;
	struct inner_thread thread[GRAPH_THREADS_MAX];
	bool knows;         /* some location of the program's memory has events */
	uint64_t known[64]; /* and where: racing.c */
	uint64_t live;      /* bits of threads that exist and have not ended */
	/* Locks that some thread tried to take while another held them, as locations; lasts over executions. */
	uint64_t tried[TRIED_LOCKS_MAX];
	uintptr_t stacks_low, stacks_bytes; /* where all threads' stacks are */
	uintptr_t locals_low, locals_bytes; /* and their thread-local variables, but the first thread's */
	unsigned tried_count;
	bool turns_left_out; /* the exhaustive search has stopped some thread behind a turn that took locks; lasts likewise */
	uint32_t turn_ends;  /* where executions go on by turns: the step at which the next thread has its turn */
	uint64_t waiting;    /* bits of threads whose `wait` is not WAIT_NONE */
	enum ending ending;
	void (*body)(void *arg);
	void *body_arg;
	event_id performing;        /* the event of the step that is being performed */
	struct graph *graphs[2][2]; /* by model and fullness, made when first needed */
	/* Identities of threads: child[parent][n] is 1 + the number of parent's n-th child; lasts over executions. */
	uint8_t child[GRAPH_THREADS_MAX][GRAPH_THREADS_MAX];
	unsigned numbered;
	const char *uncontrolled[32];
	unsigned uncontrolled_count;
	unsigned told_next;
	struct finding told[RACES_TOLD_MAX]; /* races of earlier executions, in words */
	uint32_t recorded_count;
	struct recorded recorded[RECORDED_MAX];
};

static inline struct inner *inner(void)
{
	return (struct inner *)(void *)runtime;
}

/* Does this execution go on by turns? */
static inline bool runtime_fair(void)
{
	return runtime->moment.steps >= SEARCH_FAIR_FROM && !runtime->graph->full && !runtime->search->kind->follows;
}

static inline struct inner_thread *inner_thread(void)
{
	return &inner()->thread[runtime->current];
}

/* NAME: keeps rbx, rbp, r12 .. r15 and the stack pointer behind the return address, then goes on in checked_NAME with everything as it
 * was. r10 and r11 are free between functions. */
#define KEEP_REGISTERS(name)                                                                                                    \
	__asm__(".text\n.globl " name "\n.type " name ", @function\n.p2align 4\n" name ":\n\tmovq runtime(%rip), %r10\n"        \
		"\ttestq %r10, %r10\n\tjz checked_" name "\n\tmovq %rbx, (%r10)\n\tmovq %rbp, 8(%r10)\n\tmovq %r12, 16(%r10)\n" \
		"\tmovq %r13, 24(%r10)\n\tmovq %r14, 32(%r10)\n\tmovq %r15, 40(%r10)\n\tleaq 8(%rsp), %r11\n"                   \
		"\tmovq %r11, 48(%r10)\n\tjmp checked_" name "\n.size " name ", . - " name "\n")

/* The compilers' numbers: relaxed, consume, acquire, release, acq_rel, seq_cst. Consume is taken as acquire. */
static inline uint8_t order_of_number(int number)
{
	static const uint8_t orders[] = {
		ORDER_RELAXED, ORDER_ACQUIRE, ORDER_ACQUIRE, ORDER_RELEASE, ORDER_ACQ_REL, ORDER_SEQ_CST};
	unsigned n = (unsigned)number & 0xff;
	return n < sizeof orders ? orders[n] : ORDER_SEQ_CST;
}

/* runtime.c: publishes what the running thread does next and returns when it may do it. */
void runtime_schedule(const struct operation *op);
/* The running thread moved: counts the step, ends an execution that is too long. */
void runtime_moved(void);
/* An event was added for OP: tells the search, records it. */
void runtime_added(const struct operation *op, event_id id);
/* The running thread can never go on in this execution. */
_Noreturn void runtime_stuck(void);

/* step.c: performs the store OP, which is scheduled already, on its known location. */
event_id step_write(const struct operation *op);
/* An atomic store, or an update that read *VALUE, of which it is only known later what it writes: until then what it found. The caller
 * hands the event to racing_under_way() or graph_value(). */
event_id step_store_later(struct operation *op);
event_id step_update_later(struct operation *op, uint64_t *value);

/* spin.c. Before a read of LOCATION at SITE: did the thread come round a loop without effect? */
enum spin {
	SPIN_NO,     /* an ordinary read */
	SPIN_SAME,   /* a whole turn changed nothing, state included: the thread can wait for news */
	SPIN_COUNTS, /* nothing new was read for some turns, but the thread's own state changes: a bounded loop */
};
enum spin spin_before(const void *site, uint32_t location, uint64_t *state);
void spin_after(const void *site, uint32_t location, uint64_t state, event_id event, event_id source);
/* Something took effect: a new turn cannot be the same as an old one. */
static inline void spin_effect(void)
{
	struct inner_thread *t = inner_thread();
	t->spin_count = 0;
	t->spin_turns = 0;
	t->seen_turns = 0;
}
/* Before the running thread takes the lock of OP: if it came round a loop without effect, it waits for news, or in a full graph for
 * good. Returns the state for spin_locked(). */
uint64_t spin_before_lock(const struct operation *op);
/* The lock of OP was taken or given back by the store EVENT. */
void spin_locked(const struct operation *op, uint64_t state, event_id event);
/* The running thread found the lock at LOCATION held by another when it tried. */
void spin_found_held(uint64_t location);
/* The turn that began with the read at SITE of LOCATION took locks that others try: may the thread turn once more in a full graph, or is
 * it to stop? True also for a turn that others cannot see. */
bool spin_stops(const void *site, uint32_t location);
/* Full graphs. Does OP come round a loop so often that the search had better turn to others? And: it returned SOURCE. */
bool spin_repeats(const struct operation *op);
void spin_visited(const struct operation *op, event_id source, bool wrote);
/* Has the location another value by now than READ returned? That somebody stored the same value again is no news. Of a lock: did
 * somebody else have it since, besides those who went round loops without effect? */
bool spin_is_news(const struct spin_read *read);
/* Do threads that went round loops with locks try the locks of each other? Then each may wait for the other to be seen. */
bool spin_tries(unsigned t);
/* Is there news in what thread T read in its last turn? */
bool spin_has_news(unsigned t);
/* The source that the last turn's read at SITE of LOCATION returned, or 0. */
event_id spin_former(const void *site, uint32_t location);
/* Marks the reads of the last turn as blocked. */
void spin_block(const void *site, uint32_t location);

/* racing.c: plain accesses to locations that are known to race. */
void racing_access(uintptr_t address, size_t bytes, bool write, const void *site);
/* A location at ADDRESS has events from now on. */
void racing_know(uintptr_t address);
/* Does any in these bytes? May say yes for another. */
bool racing_knows(uintptr_t address, size_t bytes);
/* A plain store is about to be made where locations have events (an atomic object is set anew, under a lock or by one thread alone):
 * it becomes an event of each, or later reads would return what was there before. */
void racing_store_known(uintptr_t address, size_t bytes, const void *site);
/* The running thread's racing accesses are done: gives stores their values, takes stale values out of memory. */
void racing_complete(void);
int racing_start(void);
/* The plain access of the program to BYTES at ADDRESS that comes next stands for the store or update STORE, which gets its value when the
 * thread enters the runtime again; 0: it reads what the caller puts there, and what is there now comes back. */
void racing_under_way(event_id store, uintptr_t address, uint32_t bytes);

/* wide.c: values of 16 bytes, and the names by which events carry them. A name is good until the execution ends. */
struct wide_value {
	uint64_t low, high;
};
uint64_t wide_name(struct wide_value value);
struct wide_value wide_value(uint64_t name);
void wide_clear(void);

/* record.c */
void record_event(const struct operation *op, event_id id);
void record_plain(uintptr_t address, size_t bytes, bool write, const void *site);
void record_complete(void);

/* findings.c: nobody can move. Notes deadlock, livelock or lost wake-up if that is for good. */
enum ending findings_standstill(void);
void findings_race(const struct race *race, uintptr_t address, size_t bytes, bool write, bool atomic, const void *site);
unsigned runtime_frames(unsigned thread, const void *site, const void **frame);

#endif
