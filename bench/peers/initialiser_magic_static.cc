// SPDX-License-Identifier: MIT
// Peer    package=g++
// A static local variable of C++ ("magic static"): the compiler checks a guard byte, and the first caller goes through
// __cxa_guard_acquire, where others wait. An initialiser that throws leaves the guard open, and the next caller tries again.
//
// There is one such variable for each place in the source, and the language has no way back. Between two uses, with nobody inside, its
// guard is written back to what it was before the first: all zero, as the C++ ABI for Itanium (3.3.3) has it, which is the ABI of gcc and
// clang. So each storm runs the very code that a first use runs.
#include <cxxabi.h>

#include "load.hpp"
#include "peer.h"

PEER_BEGIN

struct initialiser {
	char unused;
};

const initialiser_loader *current; // borrowed; written by open, read by the variable's initialiser
void *loaded_instance;             // for close; written by the variable's initialiser

PEER_SLOW_PATH void *load_slowly()
{
	return loaded_instance = load_or_throw(current);
}

PEER_END

// extern "C", so that the guard's name is short.
extern "C" inline void *onceproof_peer_static()
{
	static void *const instance = peer::load_slowly();
	return instance;
}

// The guard of `instance`, by its name in the ABI; the linker refuses a wrong one.
extern __cxxabiv1::__guard guard_of_instance __asm__("_ZGVZ21onceproof_peer_staticE8instance");

PEER_BEGIN

int initialiser_open(initialiser *, const initialiser_loader *loader)
{
	current = loader;
	loaded_instance = nullptr;
	guard_of_instance = 0;
	return 0;
}

inline void *initialiser_get(initialiser *, int *error)
{
	void *instance = onceproof_peer_static();
	*error = 0;
	return instance;
}

void initialiser_close(initialiser *)
{
	if (loaded_instance)
		current->unload(current->arg, loaded_instance);
}

const char *version()
{
	return PEER_TEXT(_GLIBCXX_RELEASE);
}

PEER_END

#include "initialiser_export.hpp"
INITIALISER_PEER(peer_magic_static, made.about.lesson = "the compiler writes the check, one for each place in the source",
	made.about.claims = PEER_INITIALISER_CLAIMS | INITIALISER_RETRIES_FAILURE,
	made.about.instances = INSTANCES_ONE_PER_PROCESS,
	made.about.calls =
		"__cxa_guard_acquire __cxa_guard_release __cxa_guard_abort __cxa_begin_catch __cxa_end_catch _Unwind_Resume "
		"*load_slowly*");
PEER(initialiser_peer_magic_static, "libstdc++", peer::version, "between storms the guard is reset by its name in the ABI");
