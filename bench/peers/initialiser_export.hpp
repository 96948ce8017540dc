/* SPDX-License-Identifier: MIT */
/* impl/initialiser/initialiser_export.h for a peer in C++: the same measured loop in the peer's translation unit, under the same symbol,
 * and INITIALISER_PEER, which describes the peer with a body of assignments to `made`. Included behind PEER_END; one file, one use.
 * An initialiser_get() may throw load_failed; whoever measures it has loaded before. */
#include "../../impl/initialiser/initialiser.h"
#include "../../impl/measure.h"
#include "load.hpp"

namespace peer
{
namespace
{

/* The contract's type is incomplete; here it is the file's. */
inline initialiser *own(::initialiser *it)
{
	return reinterpret_cast<initialiser *>(it);
}

int contract_open(::initialiser *it, const initialiser_loader *loader)
{
	return initialiser_open(own(it), loader);
}
void *contract_get(::initialiser *it, int *error)
{
	try {
		return initialiser_get(own(it), error);
	} catch (const load_failed &failed) {
		*error = failed.error;
		return nullptr;
	}
}
void contract_close(::initialiser *it)
{
	initialiser_close(own(it));
}

void *loop_get(::initialiser *it, uint64_t ops) __asm__("initialiser_loop_get");
MEASURED void *loop_get(::initialiser *it, uint64_t ops)
{
	void *last = nullptr;
	int error = 0;
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++) {
		last = initialiser_get(own(it), &error);
		measure_keep(last);
	}
	return last;
}

constexpr initialiser_implementation described(const char *name)
{
	initialiser_implementation made = {};
	made.about.family = FAMILY_INITIALISER;
	made.about.name = name;
	made.rearmable = true;
	made.bytes = sizeof(initialiser);
	made.align = alignof(initialiser);
	made.open = contract_open;
	made.get = contract_get;
	made.close = contract_close;
	made.loop_get = loop_get;
	return made;
}

} // namespace
} // namespace peer

#define INITIALISER_PEER(id, ...)                                       \
	extern "C" const initialiser_implementation initialiser_##id;   \
	constexpr initialiser_implementation initialiser_##id = [] {    \
		initialiser_implementation made = peer::described(#id); \
		__VA_ARGS__;                                            \
		return made;                                            \
	}()
