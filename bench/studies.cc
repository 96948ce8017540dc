// SPDX-License-Identifier: MIT
#include "bench.h"
#include "machine.h"
#include "sizes.h"
#include "studies.h"

namespace bench
{

std::vector<const study *> studies()
{
	static const study all[] = {
		{"machine", "the machine", TIER_QUICK, study_machine},
		{"sizes", "memory and code", TIER_QUICK, study_sizes},
		{"first_use", "first use in the pipeline", TIER_DEFAULT, study_first_use},
		{"crossings", "from which item cost on no choice matters", TIER_DEFAULT, study_crossings},
	};
	std::vector<const study *> list;
	for (const study &one : all)
		list.push_back(&one);
	return list;
}

} // namespace bench
