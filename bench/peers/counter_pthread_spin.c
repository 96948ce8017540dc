/* SPDX-License-Identifier: MIT */
/* Peer    package=libc6-dev
 * pthread_spin_lock() of the C library: a test-and-test-and-set lock behind a call.
 */
#include <gnu/libc-version.h>
#include <pthread.h>

#include "peer.h"

struct lock {
	pthread_spinlock_t spin;
};

struct hold {
	char unused;
};

static int lock_open(struct lock *l)
{
	return pthread_spin_init(&l->spin, PTHREAD_PROCESS_PRIVATE);
}

static void lock_close(struct lock *l)
{
	pthread_spin_destroy(&l->spin);
}

static inline void lock_enter(struct lock *l, struct hold *hold)
{
	(void)hold;
	pthread_spin_lock(&l->spin);
}

static inline void lock_leave(struct lock *l, struct hold *hold)
{
	(void)hold;
	pthread_spin_unlock(&l->spin);
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
	return gnu_get_libc_version();
}

#include "../../impl/counter/counter_export.h"
COUNTER_EXPORT(peer_pthread_spin, .about.lesson = "a spin lock behind a function call", .about.claims = PEER_COUNTER_CLAIMS,
	.about.calls = "pthread_spin_lock pthread_spin_unlock", .steps = true);
PEER(counter_peer_pthread_spin, "glibc", version, NULL);
