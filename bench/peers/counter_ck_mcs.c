/* SPDX-License-Identifier: MIT */
/* Peer    package=libck-dev module=ck
 * ck_spinlock_mcs of Concurrency Kit: the fair queue in which each waiter watches a word of its own.
 */
#include <ck_spinlock.h>

#include "peer.h"

struct lock {
	ck_spinlock_mcs_t queue;
};

struct hold {
	ck_spinlock_mcs_context_t node;
};

static int lock_open(struct lock *l)
{
	ck_spinlock_mcs_init(&l->queue);
	return 0;
}

static void lock_close(struct lock *l)
{
	(void)l;
}

static inline void lock_enter(struct lock *l, struct hold *hold)
{
	ck_spinlock_mcs_lock(&l->queue, &hold->node);
}

static inline void lock_leave(struct lock *l, struct hold *hold)
{
	ck_spinlock_mcs_unlock(&l->queue, &hold->node);
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

static const char *version(void)
{
	return CK_VERSION;
}

#include "../../impl/counter/counter_export.h"
COUNTER_EXPORT(peer_ck_mcs, .about.lesson = "fair, and each waiter watches a word of its own",
	.about.claims = PEER_COUNTER_CLAIMS, .steps = true);
PEER(counter_peer_ck_mcs, "Concurrency Kit", version, NULL);
