/* SPDX-License-Identifier: MIT */
/* Clocks and the like, for syscall() too. Each returns as the C library's function of that name. */
#ifndef ONCEPROOF_EXPLORE_SYNC_CLOCK_H
#define ONCEPROOF_EXPLORE_SYNC_CLOCK_H

#include "sync.h"

int sync_clock_gettime(clockid_t clock, struct timespec *time, const void *site);
int sync_nanosleep(const struct timespec *time, const void *site);
int sync_getcpu(unsigned *cpu, unsigned *node, const void *site);
/* The running thread's number for gettid(). */
pid_t sync_kernel_id(void);
/* Is ID the number of a thread of the program? */
bool sync_kernel_knows(long id);

#endif
