/* SPDX-License-Identifier: MIT */
/* Small programs under exploration, for the tests of the driver. They are compiled as explored code. */
#ifndef ONCEPROOF_EXPLORE_TEST_EXPLORE_PROGRAMS_H
#define ONCEPROOF_EXPLORE_TEST_EXPLORE_PROGRAMS_H

/* Each is thread 0: it sets up, starts threads, joins them, and leaves an outcome in explored_outcome. */
extern unsigned explored_outcome;

void explored_lost_update(void *arg);    /* 2 threads load, then store; outcome 1: an update was lost */
void explored_racing_update(void *arg);  /* the same with plain accesses */
void explored_locked_update(void *arg);  /* correct */
void explored_there_and_back(void *arg); /* 1: a reader saw a value come and go: it takes two preemptions */
void explored_passing(void *arg);        /* 1: a relaxed flag was seen without its data: it takes a stale read */
void explored_deadlock(void *arg);       /* two mutexes in two orders */
void explored_three_updates(void *arg);  /* 3 threads, fetch_add; correct */
void explored_combination(
	void *arg); /* 1: a reader saw each of three stores, which takes four preemptions; a third thread means nothing */
void explored_late_race(void *arg); /* a race that no execution without preemptions has */
void explored_by_turn(void *turn);  /* does other steps when *turn is odd: not under control */

#endif
