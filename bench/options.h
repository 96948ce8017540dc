/* SPDX-License-Identifier: MIT */
/* The command line of onceproof-bench: a plan. Misuse is told on stderr and ends the process with EXIT_USAGE. */
#ifndef ONCEPROOF_BENCH_OPTIONS_H
#define ONCEPROOF_BENCH_OPTIONS_H

#include <string>
#include <vector>

#include "bench.h"

namespace bench
{

/* ARGV up to "--". *list: only names of rows are asked for. Users' implementations that it names join the registry. */
plan parse_options(int argc, char **argv, bool *list);

/* Takes out of FLAGS, which are for Google Benchmark, what means something of ours: its switch for the output file, so that the names in it
 * are ours too, and repetitions, which are processes here. */
void adopt_output_flags(plan &plan, std::vector<std::string> &flags, bool *list);

/* A result that is kept must be good for a comparison; and that it cannot be kept is said now, not after the measuring. */
void prepare_save(plan &plan);

} // namespace bench
#endif
