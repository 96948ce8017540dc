/* SPDX-License-Identifier: MIT */
/* Programs of test_amend.c: explored code. Each tells by amend_outcome what thread 0 saw in the end; 1 is what must not be. */
#ifndef ONCEPROOF_EXPLORE_TEST_AMEND_PROGRAMS_H
#define ONCEPROOF_EXPLORE_TEST_AMEND_PROGRAMS_H

extern unsigned amend_outcome;

void amend_counts(void *arg);     /* two threads count by ++ */
void amend_publishes(void *arg);  /* data behind a plain flag */
void amend_flags(void *arg);      /* a plain flag alone */
void amend_reads(void *arg);      /* one counts by ++, another looks */
void amend_buffers(void *arg);    /* two threads store and then load: 2 when neither sees the other */
void amend_apart(void *arg);      /* an atomic load and an atomic store that are one only together; between them another event */
void amend_checks(void *arg);     /* looks in one section of a mutex, acts in another */
void amend_turns(void *arg);      /* a loop whose turns another thread may come between */
void amend_calls(void *arg);      /* a call whose two accesses belong together */
void amend_returns(void *arg);    /* what it does last is under the lock that the thread which it then joins needs */
void amend_neighbours(void *arg); /* two sections side by side: another thread comes between */
void amend_crosses(void *arg);    /* two mutexes in two orders */
void amend_waits(void *arg);      /* looks before it locks, then waits for what may have come by then */

/* Code between two of its lines: amend_in_NAME to amend_out_NAME. */
#define AMEND_CODE(NAME) extern const char amend_in_##NAME[], amend_out_##NAME[]
AMEND_CODE(checks);
AMEND_CODE(turns);
AMEND_CODE(looks);
AMEND_CODE(calls);
AMEND_CODE(sees);
AMEND_CODE(returns);
AMEND_CODE(joined);
AMEND_CODE(neighbour);
AMEND_CODE(next);
AMEND_CODE(between);
AMEND_CODE(crosses);
AMEND_CODE(waits);
AMEND_CODE(wakes);
AMEND_CODE(later);

/* Mutexes of the programs. */
#include <pthread.h>
extern pthread_mutex_t amend_mutex, amend_other;

#endif
