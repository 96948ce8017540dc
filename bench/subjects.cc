// SPDX-License-Identifier: MIT
// What rows are made of: the registry's implementations, then the peers.
#include "bench.h"

namespace bench
{

std::vector<subject> subjects_of(enum family family)
{
	std::vector<subject> found;
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const implementation *about = onceproof_registry[i].about;
		if (about->family == family)
			found.push_back({std::string(family_name(family)) + "/" + about->name, about, "", ""});
	}
	return found;
}

} // namespace bench
