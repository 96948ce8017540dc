// SPDX-License-Identifier: MIT
// Peer    package=libtbb-dev module=tbb
// tbb::queuing_mutex of oneTBB: an MCS queue.
#include <new>
#include <tbb/queuing_mutex.h>
#include <tbb/version.h>

#include "peer.h"

PEER_BEGIN

struct lock {
	tbb::queuing_mutex mutex;
};

struct hold {
	tbb::queuing_mutex::scoped_lock held;
};

static int lock_open(struct lock *l)
{
	new (l) lock;
	return 0;
}

static void lock_close(struct lock *l)
{
	l->~lock();
}

static inline void lock_enter(struct lock *l, struct hold *hold)
{
	hold->held.acquire(l->mutex);
}

static inline void lock_leave(struct lock *l, struct hold *hold)
{
	(void)l;
	hold->held.release();
}

static inline void lock_enter_shared(struct lock *l, struct hold *hold)
{
	lock_enter(l, hold);
}

static inline void lock_leave_shared(struct lock *l, struct hold *hold)
{
	lock_leave(l, hold);
}

#include "locked_counter.h"

const char *version()
{
	return TBB_runtime_version();
}

PEER_END

#include "counter_export.hpp"
COUNTER_PEER(peer_tbb_queuing_mutex, made.about.lesson = "fair, inlined", made.about.claims = PEER_COUNTER_CLAIMS,
	made.about.calls = "sched_yield", made.steps = true);
PEER(counter_peer_tbb_queuing_mutex, "oneTBB", peer::version, nullptr);
