// SPDX-License-Identifier: MIT
// Peer    package=libabsl-dev module=absl_synchronization
// absl::Mutex: spins a little, then sleeps in a queue of its own; readers may share it. Debian's library is a debug build, which looks for
// cycles of locks at every acquisition; that is switched off here, as a release build has it.
#include <absl/synchronization/mutex.h>
#include <new>

#include "peer.h"

PEER_BEGIN

struct lock {
	absl::Mutex mutex;
};

struct hold {
	char unused;
};

static int lock_open(struct lock *l)
{
	absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
	new (l) lock;
	return 0;
}

static void lock_close(struct lock *l)
{
	l->~lock();
}

static inline void lock_enter(struct lock *l, struct hold *hold)
{
	(void)hold;
	l->mutex.Lock();
}

static inline void lock_leave(struct lock *l, struct hold *hold)
{
	(void)hold;
	l->mutex.Unlock();
}

static inline void lock_enter_shared(struct lock *l, struct hold *hold)
{
	(void)hold;
	l->mutex.ReaderLock();
}

static inline void lock_leave_shared(struct lock *l, struct hold *hold)
{
	(void)hold;
	l->mutex.ReaderUnlock();
}

#include "locked_counter.h"

const char *version()
{
	return PEER_VERSION;
}

PEER_END

#include "counter_export.hpp"
COUNTER_PEER(peer_absl_mutex, made.about.lesson = "spins, then sleeps in a queue of its own",
	made.about.claims = PEER_COUNTER_CLAIMS, made.about.calls = "_ZN4absl*5Mutex*", made.steps = true);
PEER(counter_peer_absl_mutex, "Abseil", peer::version, "its search for deadlocks is switched off");
