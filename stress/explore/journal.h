/* SPDX-License-Identifier: MIT */
/* What a long exploration has done, told to somebody who keeps it (stress/checkpoint.h), so that it can go on after any kind of end.
 *
 * Told are stretches of executions that added nothing but numbers, in the sense of parallel.c: outcomes, behaviours, known findings once
 * more. A stretch holds the counters behind it, the behaviours that were new in it, and what the search keeps. An exploration that goes
 * on begins at the beginning like any other and, where a stretch begins, is at its end at once. Whatever is no mere number (a new finding,
 * a race that makes further accesses steps) lies between the stretches and is done anew. So it comes to be in the state in which it would
 * be without an interruption, and its result is the same.
 *
 * Not thread-safe; one in a process.
 */
#ifndef ONCEPROOF_EXPLORE_JOURNAL_H
#define ONCEPROOF_EXPLORE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

struct exploration;
struct phase;
struct journal;
struct search_rest;

/* Asks over the socket FD for the stretches that there are. A stretch is told when EVERY_S seconds have passed. NULL: nobody answers, or
 * no memory. */
struct journal *journal_open(int fd, double every_s);
void journal_close(struct journal *j);

/* All of these do nothing where x->journal is NULL. */

/* PHASE begins, or goes on. */
void journal_begin(struct exploration *x, struct phase *phase);
/* Before an execution. true: it was done by a stretch instead, and many more with it. */
bool journal_take(struct exploration *x, struct phase *phase);
/* Behind an execution, or TURNS of them that others made. */
void journal_note(struct exploration *x, struct phase *phase, uint64_t turns);
/* Others are about to make executions: what is their part begins here. */
void journal_split(struct exploration *x, struct phase *phase);
/* Behind executions that others made of the exhaustive search, whose stack is RESTS now, the top first; else NULL, 0. */
void journal_note_shared(struct exploration *x, struct phase *phase, struct search_rest *const *rests, uint64_t count);
/* A behaviour that was new. */
void journal_behaviour(struct exploration *x, uint64_t hash);
/* Are there stretches that begin later? */
bool journal_is_ahead(const struct exploration *x);

/* Executions that stretches stood for so far, and the seconds that they took. */
uint64_t journal_taken(const struct journal *j);
double journal_seconds(const struct journal *j);

#endif
