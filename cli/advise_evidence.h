/* SPDX-License-Identifier: MIT */
/* What advice rests on: results of `onceproof bench` (bench/bench.h says what is in them), from a file that the user names, else the
 * newest that was saved on a machine like this one, else those that come with the program. Not for several threads at once. */
#ifndef ONCEPROOF_ADVISE_EVIDENCE_H
#define ONCEPROOF_ADVISE_EVIDENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum evidence_from { EVIDENCE_GIVEN, EVIDENCE_SAVED, EVIDENCE_SHIPPED };

/* A row's median over the processes, and what else is known of it. */
struct evidence_row {
	char *name;      /* "counter/tally/increment/threads:2"; owned */
	size_t operands; /* bytes of the name before "/threads:" */
	unsigned threads;
	double ns, low, high; /* wall time over the operations of all threads, and its 95 % interval (equal to ns: none known) */
	double lost, ops;     /* sums over the repetitions */
	double overhead;      /* of rows that measure in pairs; else NaN */
	double overhead_low, overhead_high;
	const char *broken;  /* borrowed from the JSON; or NULL */
	const char *skipped; /* why it was not measured; or NULL */
};

struct evidence {
	enum evidence_from from;
	char *file;            /* for people; owned */
	bool this_machine;     /* same processor, as many cores, same compiler */
	json_t *root;          /* owned: {context, benchmarks, studies} */
	const json_t *context; /* borrowed from root, as all that follows */
	const char *date, *cpu, *class, *compiler, *plan;
	unsigned cores, processes;
	unsigned dropped;     /* repetitions for which the time was too short */
	bool partial, loaded; /* interrupted, or many repetitions dropped; others used the machine */
	char *passed_over; /* a newer result that nobody can be advised from, and why: a sentence; owned; NULL: there is none */
	struct evidence_row *rows; /* owned; measured ones and skipped ones */
	size_t count;
};

/* What an operation takes of its thread: wall time of the row, times the cores that its threads had. */
struct price {
	bool known;
	double ns, low, high;
	const struct evidence_row *row; /* where not known: the skipped one, or NULL */
};

/* PATH: a result of `bench`, raw or in a report; NULL: look for one. 0, or an exit status after a complaint. */
int evidence_open(struct evidence *evidence, const char *path);
void evidence_close(struct evidence *evidence);

/* The price of an operation of SUBJECT ("counter/tally", "increment"; "" for a floor, which is its own operation) with THREADS. */
struct price evidence_price(const struct evidence *evidence, const char *subject, const char *operation, unsigned threads);

/* The study NAME, or NULL. */
const json_t *evidence_study(const struct evidence *evidence, const char *name);

#endif
