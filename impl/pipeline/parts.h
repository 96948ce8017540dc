/* SPDX-License-Identifier: MIT */
/* Inside of a batch: what its parts see, and the table through which a test replaces one of them by a broken one, to see that
 * batch_check notices. A broken part calls the real one and then does its damage. */
#ifndef ONCEPROOF_PARTS_H
#define ONCEPROOF_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "batch.h"
#include "manifest.h"
#include "model.h"
#include "output.h"
#include "queue.h"
#include "sink.h"

enum batch_gate { BATCH_GATE_SHUT, BATCH_GATE_OPEN, BATCH_GATE_CLOSED }; /* not yet, come in, never */
enum batch_event { BATCH_STARTED, BATCH_ENDED };

struct batch_result {
	uint64_t index, line;
	enum batch_reason reason;
	int error;      /* errno value, where the reason has one */
	size_t bytes;   /* of the WAV file */
	uint64_t audio; /* hash of its bytes */
	uint64_t start_ns, end_ns;
};

struct batch_totals {
	uint64_t done, failed;
	uint64_t failed_by[BATCH_REASONS];
	uint64_t first_bad_line;
};

struct batch;

/* A worker. Everything in it is its own thread's until that is joined. */
struct batch_worker {
	struct batch *batch;
	unsigned number; /* 1.. */
	pthread_t thread;
	void *seat; /* of the counter; owned */
	struct progress_source source;
	struct line item;
	struct batch_totals totals;
	struct batch_evidence evidence;
	uint64_t audio_bytes, audio_print;
	unsigned char *wav; /* WAV_MAX bytes; owned */
	char separate[64];  /* keeps neighbours off one cache line */
};

struct batch_parts {
	/* The next item, into worker->item; false when there is none. */
	bool (*take)(struct batch *batch, struct batch_worker *worker);
	/* The model. */
	void *(*model)(struct batch *batch, int *error);
	/* Works on an item and says in RESULT how it ended; a failure goes no further. */
	void (*work)(struct batch *batch, struct batch_worker *worker, const struct line *item, struct batch_result *result);
	/* Synthesises an item, inside a model slot: fills the worker's wav and result->bytes. */
	void (*speak)(struct batch *batch, struct batch_worker *worker, const struct model *instance, const struct line *item,
		struct batch_result *result);
	/* Writes an item's result. */
	void (*deliver)(struct batch *batch, struct batch_worker *worker, const struct batch_result *result);
	/* Writes an item's start or end to the log. */
	void (*log)(struct batch *batch, struct batch_worker *worker, enum batch_event event, const struct batch_result *result);
	/* Adds a result to the totals. */
	void (*total)(struct batch_totals *totals, const struct batch_result *result);
};
extern const struct batch_parts batch_real_parts;

struct batch {
	const struct batch_options *options; /* borrowed */
	struct batch_parts parts;
	unsigned workers;
	struct manifest manifest; /* the reader's, while it runs */
	struct queue queue;
	struct output output;
	struct sink sink;
	struct progress_sink progress_sink;
	struct model_maker maker;  /* its own, unless the initialiser's loader is linked */
	struct model_maker *model; /* the one in use */
	struct initialiser_loader loader;
	void *initialiser, *counter, *progress; /* the chosen objects; owned memory */
	pthread_mutex_t slots_lock;             /* guards slots_free; used when there are fewer slots than workers */
	pthread_cond_t slot_free;
	unsigned slots_free;
	bool slots_bounded;
	uint64_t start_ns;
	_Atomic uint64_t log_loads;   /* load lines; relaxed: read after joining */
	struct batch_evidence reader; /* `handed` as the reader counts it */
	bool begun;                   /* all has been opened, and files were made */
	pthread_t reader_thread;      /* if `reading` */
	bool reading;
	unsigned started;           /* workers whose threads run */
	pthread_mutex_t ended_lock; /* guards gate, ended and at_start */
	pthread_cond_t gate_moved;
	enum batch_gate gate;
	pthread_cond_t all_ended;
	unsigned ended; /* workers that have no more to do */
	pthread_cond_t all_at_start;
	unsigned at_start; /* workers that have taken their first item, or found none */
};

/* The start line: every worker comes here once, with its first item or without one. With WAIT it leaves when all have come. So the
 * first items of all workers begin together, as when a burst meets an idle pool, and no worker's later taking of items orders its first
 * use of the model before another's. */
void batch_start_line(struct batch *batch, bool wait);

/* Starts pool and reader; all of them wait at the gate. Those that could be started are noted in the batch. 0, or an errno value after a
 * complaint. */
int batch_start_threads(struct batch *batch, struct batch_worker *workers);

/* Lets them in, or sends them home. */
void batch_move_gate(struct batch *batch, enum batch_gate gate);

/* The calling thread's part while the workers run: polls, and passes a request to stop on to those who wait. */
void batch_front_end(struct batch *batch, const struct progress_source *any);

/* Waits for all that were started. */
void batch_join_threads(struct batch *batch, struct batch_worker *workers);

/* A worker's whole life, on its thread. */
void batch_work_all(struct batch *batch, struct batch_worker *worker);

/* Has the batch been asked to stop, by the caller or by an error of its output? */
bool batch_stopping(struct batch *batch);

/* Tells the log about a load: the model maker's `told`; ARG is the batch. */
model_told batch_log_load;

/* Adds up what all workers did, once they have been joined. */
void batch_add_up(struct batch *batch, const struct batch_worker *workers, struct batch_summary *summary);

/* After the initialiser's close: what models were made, and what is left of them. */
void batch_add_up_models(const struct batch *batch, struct batch_summary *summary);

/* Writes summary.json. 0 or an errno value. */
int batch_write_summary(const struct batch *batch, const struct batch_summary *summary);

/* Adds an item to a tally. */
void tally_add(struct batch_tally *tally, uint64_t index);

/* Is this item to fail, by its text or on request? */
enum batch_reason batch_expected(const struct batch_options *options, const struct line *item);

#endif
