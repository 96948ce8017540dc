/* SPDX-License-Identifier: MIT */
/* Peer    package=libck-dev module=ck
 * ck_spinlock_ticket of Concurrency Kit: the fair lock of two counters in one word.
 */
#include <ck_spinlock.h>

#include "peer.h"

struct lock {
	ck_spinlock_ticket_t spin;
};

struct hold {
	char unused;
};

static int lock_open(struct lock *l)
{
	ck_spinlock_ticket_init(&l->spin);
	return 0;
}

static void lock_close(struct lock *l)
{
	(void)l;
}

static inline void lock_enter(struct lock *l, struct hold *hold)
{
	(void)hold;
	ck_spinlock_ticket_lock(&l->spin);
}

static inline void lock_leave(struct lock *l, struct hold *hold)
{
	(void)hold;
	ck_spinlock_ticket_unlock(&l->spin);
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
COUNTER_EXPORT(peer_ck_ticket, .about.lesson = "fair, and all waiters watch one word", .about.claims = PEER_COUNTER_CLAIMS,
	.steps = true);
PEER(counter_peer_ck_ticket, "Concurrency Kit", version, NULL);
