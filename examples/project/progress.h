/* SPDX-License-Identifier: MIT */
/* How far the index is. */
#ifndef PROGRESS_H
#define PROGRESS_H

/* Starts again at 0. Not while others count. */
void progress_reset(void);

/* One more text is done; returns how many are, with this one. Thread-safe. */
unsigned progress_step(void);

/* How many are done. Thread-safe. */
unsigned progress_done(void);

#endif
