/* SPDX-License-Identifier: MIT */
/* Filters of rows. */
#ifndef ONCEPROOF_BENCH_NAMES_H
#define ONCEPROOF_BENCH_NAMES_H

#include <string>
#include <vector>

namespace bench
{

/* Globs match part by part; one with fewer parts than NAME matches everything below. No globs match everything. */
bool name_matches(const std::vector<std::string> &globs, const std::string &name);

/* Those of GLOBS that match none of NAMES, and what was likely meant: " 'counter/atmic', 'tal' (did you mean 'counter/tal*'?)"; "" where each
 * matches something. */
std::string unmatched(const std::vector<std::string> &globs, const std::vector<std::string> &names);

} // namespace bench
#endif
