/* SPDX-License-Identifier: MIT */
/* A search decides what an execution leaves open: which thread moves next, which store a read returns, where a store goes in
 * modification order, and the free choices (which waiter a signal wakes). One file per search; each is this small interface.
 *
 * All randomness of a search comes from its seed and the number of the execution (execution_random), so that execution i is the same
 * whatever was run before it, where the search allows that (feedback searches say that they do not).
 */
#ifndef ONCEPROOF_EXPLORE_SEARCH_H
#define ONCEPROOF_EXPLORE_SEARCH_H

#include <stddef.h>

#include "graph.h"
#include "search_state.h"

/* What an operation does with the value that its read half returns. */
enum applied {
	APPLIED_WRITE, /* writes *written */
	APPLIED_READ,  /* writes nothing: a failed compare-and-swap, a once that is done */
	APPLIED_BLOCK, /* cannot go on with this value: waits for another */
};

/* The families of steps, for tables of people and for searches that weigh them. */
enum step_tag {
	STEP_NONE,
	STEP_LOAD,
	STEP_STORE,
	STEP_EXCHANGE,
	STEP_FETCH_ADD,
	STEP_FETCH_SUB,
	STEP_FETCH_AND,
	STEP_FETCH_OR,
	STEP_FETCH_XOR,
	STEP_FETCH_NAND,
	STEP_COMPARE_EXCHANGE,
	STEP_FENCE,
	STEP_RACY_READ,
	STEP_RACY_WRITE, /* plain accesses that were found to race */
	STEP_THREAD_BEGIN,
	STEP_THREAD_CREATE,
	STEP_THREAD_JOIN,
	STEP_THREAD_END,
	STEP_THREAD_CANCEL,
	STEP_THREAD_DETACH,
	STEP_LOCK,
	STEP_TRYLOCK,
	STEP_UNLOCK,
	STEP_READ_LOCK,
	STEP_WRITE_LOCK,
	STEP_RW_UNLOCK,
	STEP_SPIN_LOCK,
	STEP_SPIN_TRYLOCK,
	STEP_SPIN_UNLOCK,
	STEP_COND_WAIT,
	STEP_COND_WAKE,
	STEP_COND_SIGNAL,
	STEP_COND_BROADCAST,
	STEP_COND_TIMEOUT,
	STEP_BARRIER_WAIT,
	STEP_BARRIER_LEAVE,
	STEP_ONCE,
	STEP_ONCE_DONE,
	STEP_SEM_WAIT,
	STEP_SEM_TRYWAIT,
	STEP_SEM_POST,
	STEP_FUTEX_WAIT,
	STEP_FUTEX_WAKE,
	STEP_FUTEX_WOKEN,
	STEP_SLEEP,
	STEP_YIELD,
	STEP_CHOICE,
	STEP_OTHER,
	STEP_TAGS
};

/* What a thread is about to do. */
struct operation {
	uint8_t kind; /* enum event_kind: EVENT_READ, EVENT_WRITE, EVENT_UPDATE, EVENT_FENCE, …; EVENT_UPDATE may end as a read */
	uint8_t tag;          /* enum step_tag */
	uint8_t order;        /* enum order */
	uint8_t order_failed; /* of an update that writes nothing */
	bool waits;           /* apply may say APPLIED_BLOCK */
	bool chain;           /* on a synchronisation object: see struct location */
	bool repeats;         /* comes round a loop often: in an exhaustive search others go first, and it reads what is newest */
	bool lock;            /* takes or gives back a lock: a turn of a loop that does both has no effect */
	uint16_t thread;
	uint32_t bytes;   /* 1, 2, 4, 8; 0: no location */
	uint64_t address; /* of the location; 0: none */
	uint32_t
		location; /* index in the graph once the operation is performed or pending on a known location; else UINT32_MAX */
	uint64_t operand, expected; /* for apply */
	enum applied (*apply)(
		const struct operation *op, uint64_t value, uint64_t *written); /* updates, and reads that wait; else NULL */
	const void *site;
};

/* Why an execution ended. */
enum ending {
	ENDING_COMPLETE,  /* every thread ended, or the program exited */
	ENDING_BLOCKED,   /* some thread waits for a value that this execution does not have (not a finding) */
	ENDING_FINDING,   /* cut short by a finding: an assertion, a crash, a deadlock, … */
	ENDING_ABANDONED, /* the search itself gave it up (a prefix that turned out to be inconsistent or redundant) */
	ENDING_DIVERGED,  /* it did not follow the recorded prefix: the program is not deterministic, or not the one recorded */
	ENDING_CUT,       /* longer than the bound on steps */
};

/* What a search may look at while an execution runs. */
struct moment {
	struct graph *graph;
	unsigned threads;                            /* threads 0 .. threads-1 exist */
	uint64_t enabled;                            /* bit t: thread t can move now */
	unsigned current;                            /* the thread that moved last */
	bool current_yields;                         /* it asked to yield or sleeps: leaving it costs no preemption */
	struct operation pending[GRAPH_THREADS_MAX]; /* valid for enabled and for waiting threads: what each does when it moves */
	uint32_t children[GRAPH_THREADS_MAX];        /* threads that each has created so far */
	uint8_t twin[GRAPH_THREADS_MAX]; /* 1 + the lowest thread with the same creator, code and argument; 0: it is the lowest */
	uint64_t execution;              /* number of this execution, from 0 */
	uint32_t steps;                  /* so far */
};

struct search;
struct search_kind {
	const char *name;  /* "random" */
	const char *about; /* one sentence for help texts */
	bool full_graph;   /* wants struct graph.full */
	bool follows;      /* repeats a record: it decides to the end (see SEARCH_FAIR_FROM) */
	bool exhausts;     /* when begin returns false, everything within the model and bound was explored */
	bool independent; /* execution i does not depend on the results of others: it can be sharded and run in parallel by number */
	size_t bytes;     /* of the struct that begins with struct search */
	/* Options as "key=value" words are set by search_option() before the first execution. 0 or EINVAL. NULL: none. */
	int (*option)(struct search *s, const char *key, const char *value);
	/* Prepares for the next execution, whose number is at->execution. false: there is none left. */
	bool (*begin)(struct search *s, const struct moment *at);
	/* The thread that moves next, one of at->enabled, or SEARCH_GIVE_UP to abandon the execution. Called only if at least one is
	 * enabled; also when there is just one, if full_graph. */
	unsigned (*thread)(struct search *s, const struct moment *at);
	/* The index in SOURCES (newest first) of the store that OP returns; UINT32_MAX: give up. NULL member: always 0. Called only with
	 * COUNT > 1, unless full_graph: then always, also with COUNT 0, which must be given up. */
	uint32_t (*source)(
		struct search *s, const struct moment *at, const struct operation *op, const event_id *sources, unsigned count);
	/* The index in PLACES (newest first) behind which OP's store goes; likewise. NULL: always 0. */
	uint32_t (*place)(
		struct search *s, const struct moment *at, const struct operation *op, const event_id *places, unsigned count);
	/* A free choice of COUNT >= 2 alternatives by the thread that moves (0 is the plain one). NULL: always 0. */
	uint32_t (*choice)(struct search *s, const struct moment *at, unsigned thread, unsigned count);
	/* An event was added. NULL: not wanted. false: give up. */
	bool (*added)(struct search *s, const struct moment *at, const struct operation *op, event_id id);
	/* The execution ended. NULL: not wanted. */
	void (*end)(struct search *s, const struct moment *at, enum ending how);
	/* How many executions the whole search takes, as far as can be told now; 0: cannot be told. NULL: never. */
	double (*estimate)(const struct search *s);
	/* Between two executions: writes what it keeps from one to the next, and takes it over into a search that was opened alike, of this
	 * program, perhaps in another process. NULL: nothing is kept. load: false if it does not fit, and then nothing has changed. */
	void (*save)(const struct search *s, struct search_state *to);
	bool (*load)(struct search *s, struct search_state_reader *from);
	void (*close)(struct search *s);
};
#define SEARCH_GIVE_UP UINT32_MAX

/* After so many steps a sampled execution is no longer the search's to decide: threads move in turns and read the newest stores, so that
 * what a loop waits for comes about. Otherwise a search that favours a thread in an endless loop (a worker until it is told to stop)
 * would never see the end. */
enum { SEARCH_FAIR_FROM = 4000, SEARCH_FAIR_TURN = 24 };

struct search {
	const struct search_kind *kind;
	uint64_t seed;
	unsigned shard, shards; /* one-based; 1, 1: all */
	unsigned threads_hint;  /* threads of the program as known from an earlier execution; 0: unknown */
	uint32_t steps_hint;    /* likewise steps */
	/* Set by the search, about the execution that just ended. */
	bool repeated; /* it was one of before, made again on the way to others: not to be counted */
	bool diverged; /* it did not go on as it did before under the same decisions */
};

/* All searches: dpor, bound, random, pct, pos, surw, rff (and replay, which is not in the table). */
extern const struct search_kind *const search_kinds[];
extern const unsigned search_kind_count;
const struct search_kind *search_find(const char *name);

/* A search of KIND; NULL: no memory. search_close() frees it. */
struct search *search_open(const struct search_kind *kind, uint64_t seed, unsigned shard, unsigned shards);
int search_option(struct search *s, const char *key, const char *value);
void search_close(struct search *s);

/* A stream of random numbers for one execution: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) started from a mix of seed and number. */
struct stream {
	uint64_t state;
};
static inline uint64_t stream_next(struct stream *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}
static inline struct stream execution_random(uint64_t seed, uint64_t execution)
{
	struct stream r = {seed ^ (execution * 0xd1342543de82ef95u + 0x2545f4914f6cdd1du)};
	r.state = stream_next(&r);
	return r;
}
/* 0 .. n-1, n >= 1; without division (Lemire, TOMACS 2019; the bias of at most n/2^32 is accepted). */
static inline uint32_t stream_below(struct stream *r, uint32_t n)
{
	return (uint32_t)((stream_next(r) >> 32) * n >> 32);
}

#endif
