/* SPDX-License-Identifier: MIT */
/* Rows that do not come back: a lock that two threads wait for each other on ends no window. The process that measures such a row must
 * end, but what it measured before is good. */
#ifndef ONCEPROOF_BENCH_STUCK_H
#define ONCEPROOF_BENCH_STUCK_H

#include "bench.h"

namespace bench
{

/* What one repetition has to tell: Google Benchmark's counters of it, and its buckets. */
std::vector<std::pair<std::string, double>> counters_of(const row &row, const measurement &one, double spent_s);
json_t *buckets_json(const measurement &one);

/* From here on each repetition lies between stuck_begin() and stuck_end(), and is kept if it is whole. One that takes longer than SECONDS
 * ends the process with EXIT_STUCK; first the repetitions kept until then go to stdout, in the shape of a process's result but without a
 * context. To be called once, before any other thread starts: SIGALRM is blocked in all of them, so that watching costs nothing. */
void stuck_watch(unsigned seconds = ROW_SECONDS_MAX);
void stuck_begin();
void stuck_end();
/* ONE joins ROW.measurements. */
void stuck_keep(row &row, measurement one, double spent_s);

/* Of the repetition that runs, not much is left to wait for: somebody pressed Ctrl-C. Async-signal-safe. */
void stuck_hurry();

} // namespace bench
#endif
