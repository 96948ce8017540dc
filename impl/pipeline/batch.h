/* SPDX-License-Identifier: MIT */
/* The pipeline: a batch of text lines becomes WAV files, with every shared part chosen by name.
 *
 *   manifest -> bounded queue -> workers -> model, lazily loaded (initialiser) -> synthesis, bounded by model slots
 *            -> results -> counter -> progress -> front end          and, apart from all that, a run log
 *
 * The plumbing between the parts must not repair what the chosen parts break: on the way from an item to its counting there is no lock
 * that the parts' own threads share, beyond the queue that hands items out. What the plumbing notes for its own use goes to each
 * worker's own memory, or through relaxed atomics and writes to append-only files, which order nothing.
 *
 * C and C++ may include this header.
 */
#ifndef ONCEPROOF_BATCH_H
#define ONCEPROOF_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../contract.h"
#include "../counter/counter.h"
#include "../initialiser/initialiser.h"
#include "../progress/progress.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	BATCH_WORKERS_MAX = 1024,
	BATCH_LINE_MAX = 64 * 1024, /* bytes of one item; a longer line is a failed item */
	BATCH_MODEL_MIN = 4 * 1024, /* bytes; the synthesiser uses this much of any model, so every size gives the same audio */
	BATCH_MODEL_DEFAULT = 4 << 20,
	BATCH_LINKED_MODEL = 256 * 1024, /* bytes of the model that link-time initialisers load */
};

/* The pipeline's promises, in the order of family_promises(FAMILY_PIPELINE). */
enum pipeline_promise {
	PIPELINE_EACH_ITEM_ONCE = 1u << 0,
	PIPELINE_FAILURES_ISOLATED = 1u << 1,
	PIPELINE_TOTALS_ADD_UP = 1u << 2,
	PIPELINE_MODEL_LOADED_ONCE = 1u << 3,
	PIPELINE_LOG_COMPLETE = 1u << 4,
	PIPELINE_RACE_FREE = 1u << 5, /* for race detectors; a batch cannot see it about itself */
};
enum { PIPELINE_PROMISES = 6 };

/* Why an item failed. */
enum batch_reason {
	BATCH_DONE,  /* it did not */
	BATCH_BLANK, /* nothing but spaces */
	BATCH_NOT_UTF8,
	BATCH_TOO_LONG,    /* longer than BATCH_LINE_MAX */
	BATCH_NUL_BYTE,    /* binary data */
	BATCH_INJECTED,    /* on request */
	BATCH_NO_MODEL,    /* this item's load failed */
	BATCH_HALF_MODEL,  /* the model's header or weights are not what its loader left: published too early */
	BATCH_NOT_WRITTEN, /* its output could not be written */
	BATCH_REASONS,
};

/* "done", "only spaces", "not valid UTF-8" … */
const char *batch_reason_text(enum batch_reason reason);

enum batch_order { BATCH_COMPLETION, BATCH_SUBMISSION };

struct batch_parts; /* parts.h: what the tests break on purpose */

/* A zeroed struct with the three choices set is a valid request: shipped manifest, one worker per CPU, nothing written. */
struct batch_options {
	const struct initialiser_implementation *initialiser;
	const struct counter_implementation *counter;
	const struct progress_implementation *progress;

	/* Items, from the first of these that is set: synthetic_items generated lines; text in memory; a file ("-" is stdin); else the
	 * manifest that is shipped with the program. */
	uint64_t synthetic_items;
	const char *text; /* borrowed, text_bytes long */
	size_t text_bytes;
	const char *manifest;

	unsigned workers;           /* 0: one per CPU that the process may use */
	bool serial;                /* no worker threads at all: the calling thread does one item after the other */
	enum batch_order order;     /* of the results file */
	unsigned model_slots;       /* items that may be in synthesis at once; 0: as many as there are workers */
	size_t model_bytes;         /* 0: BATCH_MODEL_DEFAULT; ignored by link-time initialisers */
	unsigned model_wait_ms;     /* a sleep added to each load; 0 unless asked for */
	unsigned failing_loads;     /* the first so many loads fail */
	double failure_rate;        /* 0..1: share of items that fail on request; which ones depends on seed and item only */
	const uint64_t *fail_lines; /* lines of the manifest that fail on request, ascending; borrowed */
	size_t fail_line_count;
	uint64_t seed;
	int64_t item_cost_ns; /* 0: real synthesis; > 0: a busy wait of that long instead; < 0: no work at all */
	unsigned poll_us;     /* pause between two looks of the front end; 0: 1,000 */

	const char *output;        /* directory of this batch, made if missing; NULL: write nothing */
	bool force;                /* replace an earlier run's files in `output` */
	bool no_audio;             /* synthesise, but write no WAV files */
	const char *progress_path; /* progress as JSON lines, appended; NULL: none */
	bool bar;                  /* draw the progress on stderr; the caller has checked that it is a terminal */
	bool quiet;                /* no complaints about single items */
	const int *stop;           /* once it is not 0, items in flight are finished and no new ones started; NULL: never */
	void (*begun)(
		void *arg); /* NULL, or called once everything has been opened, before the first item, by the calling thread */
	void *begun_arg;
	const struct batch_parts *parts; /* NULL: the real ones */
};

struct batch_anomalies {
	uint64_t duplicate;    /* told the number that was told just before */
	uint64_t gap;          /* told more than one above the number before */
	uint64_t backwards;    /* told a smaller number than the one before */
	uint64_t missing_last; /* 1: the last number told was not the number of finished items */
};

/* A multiset of item numbers in constant memory: how many, and the sum of a 64-bit hash of each. */
struct batch_tally {
	uint64_t count, print;
};

/* What batch_check judges from. Gathered where things happen, not from the totals that are to be judged. */
struct batch_evidence {
	struct batch_tally handed;      /* items that the reader put in */
	struct batch_tally dropped;     /* of those, items that nobody had started when the batch was stopped */
	struct batch_tally should_fail; /* of the items taken: bad text or failure on request */
	struct batch_tally results;     /* one for each result delivered */
	struct batch_tally failed;      /* results that failed for bad text or on request */
	struct batch_tally elsewhere;   /* results that failed for another reason: model, output */
	struct batch_tally log_starts, log_ends;
	uint64_t log_loads; /* loads in the log, failed ones included */
};

struct batch_summary {
	uint64_t items;        /* in the manifest */
	uint64_t done, failed; /* totals kept by the pipeline */
	uint64_t not_started;
	uint64_t counted; /* what the chosen counter says at the end */
	uint64_t failed_by[BATCH_REASONS];
	uint64_t first_bad_line; /* first manifest line that failed for its text; 0: none */
	uint64_t models_made, models_destroyed;
	uint64_t models_alive; /* after the initialiser's close: leaked, except with link-time initialisers */
	uint64_t loads_failed;
	uint64_t model_bytes;  /* of one instance */
	uint64_t wasted_bytes; /* of all instances but one */
	uint64_t load_ns;      /* of the longest successful load */
	struct batch_anomalies anomalies;
	uint64_t told, last_told; /* how many times the front end was told, and what last */
	double seconds;           /* from the start of the workers to the last item */
	unsigned workers;
	bool partial;         /* stopped before the last item */
	uint64_t audio_bytes; /* WAV data made */
	uint64_t audio_print; /* order-free hash over item number and WAV bytes: equal for equal output, written or not */
	struct batch_evidence evidence;
};

/* Runs one batch. 0, or an errno value after one complaint that says what to do. A batch that could not start has replaced nothing and
 * left nothing, except perhaps empty directories above its own, and its summary has no workers. One that failed on the way, such as on a
 * full disk, keeps what it has as partial; with items done but their progress untold (a reader that left) it is whole all the same. Any
 * thread; several batches may run at once unless an implementation is one per process (EBUSY). */
int batch_run(const struct batch_options *options, struct batch_summary *summary);

/* NULL, or why these choices cannot work together (a static sentence). */
const char *batch_impossible(const struct batch_options *options);

/* The pipeline promises that the chosen parts together claim; the others may break for the choice's own reasons. */
uint32_t batch_claims(const struct batch_options *options);

struct batch_judgement {
	uint32_t refuted;                      /* enum pipeline_promise bits */
	uint32_t broken;                       /* of those, the ones that the choice claims */
	char sentence[PIPELINE_PROMISES][200]; /* for each refuted promise, what was seen */
	/* Claims of the chosen parts themselves that this batch refutes, as one sentence each ("" where there is none). */
	char initialiser[200], counter[200], progress[200];
	bool as_stated; /* nothing that is claimed was refuted */
};

/* Judges a batch by its own evidence: the files where they were written (read as a stream), else what was tallied on the way. Each
 * promise is judged on its own: the log and the totals are compared with the results, whatever these are. 0, or an errno value after
 * a complaint when the files cannot be read. */
int batch_check(const struct batch_options *options, const struct batch_summary *summary, struct batch_judgement *judgement);

/* Makes DIRECTORY if it is missing and locks it for this process until the returned descriptor is closed (or the process ends, however
 * it ends). With a complaint: -EBUSY when another run has it, -EEXIST when it holds an earlier run and FORCE is false, else -errno.
 * Whatever it holds stays there. */
int batch_lock_directory(const char *directory, bool force);

/* Removes from the directory that FD has locked what runs write, and nothing else. Folders of batches that are locked stay. */
void batch_clear_directory(int fd);

/* The manifest that is shipped with the program. */
extern const char batch_shipped_manifest[];
extern const size_t batch_shipped_manifest_bytes;

#ifdef __cplusplus
}
#endif
#endif
