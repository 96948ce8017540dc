/* SPDX-License-Identifier: MIT */
/* Schedules: what explore.h says of them, and what its makers share. */
#ifndef ONCEPROOF_EXPLORE_SCHEDULE_H
#define ONCEPROOF_EXPLORE_SCHEDULE_H

#include "explore.h"

/* As source or place: the newest store there is when the step is made. */
enum { SCHEDULE_NEWEST = GRAPH_NOBODY - 1 };

/* Reads of older stores, and stores behind newer ones. */
unsigned schedule_stale(const struct schedule *schedule);
/* Free choices that are not the plain alternative. */
unsigned schedule_unusual(const struct schedule *schedule);
/* How often the thread changes from one step to the next. */
unsigned schedule_switches(const struct schedule *schedule);

#endif
