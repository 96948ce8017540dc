/* SPDX-License-Identifier: MIT */
/* Peer    package=libc6-dev
 * pthread_rwlock_t of the C library: increments take it for writing, reads of the value for reading.
 */
#include <gnu/libc-version.h>
#include <pthread.h>

#include "peer.h"

struct lock {
	pthread_rwlock_t rwlock;
};

struct hold {
	char unused;
};

static int lock_open(struct lock *l)
{
	return pthread_rwlock_init(&l->rwlock, NULL);
}

static void lock_close(struct lock *l)
{
	pthread_rwlock_destroy(&l->rwlock);
}

static inline void lock_enter(struct lock *l, struct hold *hold)
{
	(void)hold;
	pthread_rwlock_wrlock(&l->rwlock);
}

static inline void lock_leave(struct lock *l, struct hold *hold)
{
	(void)hold;
	pthread_rwlock_unlock(&l->rwlock);
}

static inline void lock_enter_shared(struct lock *l, struct hold *hold)
{
	(void)hold;
	pthread_rwlock_rdlock(&l->rwlock);
}

static inline void lock_leave_shared(struct lock *l, struct hold *hold)
{
	(void)hold;
	pthread_rwlock_unlock(&l->rwlock);
}

#include "locked_counter.h"

static const char *version(void)
{
	return gnu_get_libc_version();
}

#include "../../impl/counter/counter_export.h"
COUNTER_EXPORT(peer_pthread_rwlock, .about.lesson = "every increment is a writer, so readers gain nothing",
	.about.claims = PEER_COUNTER_CLAIMS, .about.calls = "pthread_rwlock_wrlock pthread_rwlock_rdlock pthread_rwlock_unlock",
	.steps = true);
PEER(counter_peer_pthread_rwlock, "glibc", version, NULL);
