// SPDX-License-Identifier: MIT
// What rows are made of: the registry's implementations, then the peers.
#include "bench.h"
#include "peers/peers.h"

namespace bench
{

std::vector<subject> subjects_of(enum family family)
{
	std::vector<subject> found;
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const implementation *about = onceproof_registry[i].about;
		if (about->family == family)
			found.push_back(
				{std::string(family_name(family)) + "/" + about->name, about, library_behind(*about), ""});
	}
	for (const peer &each : peers())
		if (each.about->family == family)
			found.push_back({std::string(family_name(family)) + "/" + each.about->name, each.about, peer_note(each),
				each.missing ? each.missing : ""});
	return found;
}

} // namespace bench
