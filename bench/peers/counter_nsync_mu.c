/* SPDX-License-Identifier: MIT */
/* Peer    package=libnsync-dev header=nsync_mu.h link=nsync
 * nsync_mu of nsync: a mutex of one word that readers may share; its waiters queue beside it.
 */
#include <nsync.h>

#include "peer.h"

struct lock {
	nsync_mu mu;
};

struct hold {
	char unused;
};

static int lock_open(struct lock *l)
{
	nsync_mu_init(&l->mu);
	return 0;
}

static void lock_close(struct lock *l)
{
	(void)l;
}

static inline void lock_enter(struct lock *l, struct hold *hold)
{
	(void)hold;
	nsync_mu_lock(&l->mu);
}

static inline void lock_leave(struct lock *l, struct hold *hold)
{
	(void)hold;
	nsync_mu_unlock(&l->mu);
}

static inline void lock_enter_shared(struct lock *l, struct hold *hold)
{
	(void)hold;
	nsync_mu_rlock(&l->mu);
}

static inline void lock_leave_shared(struct lock *l, struct hold *hold)
{
	(void)hold;
	nsync_mu_runlock(&l->mu);
}

#include "locked_counter.h"

static const char *version(void)
{
	return PEER_VERSION;
}

#include "../../impl/counter/counter_export.h"
COUNTER_EXPORT(peer_nsync_mu, .about.lesson = "a mutex with a queue of its own", .about.claims = PEER_COUNTER_CLAIMS,
	.about.calls = "nsync_mu_lock nsync_mu_unlock nsync_mu_rlock nsync_mu_runlock", .steps = true);
PEER(counter_peer_nsync_mu, "nsync", version, NULL);
