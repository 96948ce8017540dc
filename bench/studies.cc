// SPDX-License-Identifier: MIT
#include "bench.h"
#include "machine.h"

namespace bench
{

std::vector<const study *> studies()
{
	static const study all[] = {
		{"machine", "the machine", TIER_QUICK, study_machine},
	};
	std::vector<const study *> list;
	for (const study &one : all)
		list.push_back(&one);
	return list;
}

} // namespace bench
