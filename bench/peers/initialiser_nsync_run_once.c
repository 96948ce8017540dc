/* SPDX-License-Identifier: MIT */
/* Peer    package=libnsync-dev header=nsync_once.h link=nsync
 * nsync_run_once_arg() of nsync (M. Burrows): the look at the state is a call into the library; waiters sleep on a condition variable that
 * many onces share. The routine returns nothing, so a failure is kept.
 */
#include <nsync.h>

#include "../../impl/initialiser/load.h"
#include "peer.h"

struct initialiser {
	nsync_once once;                         /* the library's */
	void *instance;                          /* owned; written by the routine, read once it has run */
	int error;                               /* likewise: why the only load failed */
	const struct initialiser_loader *loader; /* borrowed; written by open only */
};

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	*it = (struct initialiser){.once = NSYNC_ONCE_INIT, .loader = loader};
	return 0;
}

static SLOW_PATH void initialiser_load_slowly(void *arg)
{
	struct initialiser *it = arg;
	struct loaded loaded = initialiser_load(it->loader);
	it->instance = loaded.instance;
	it->error = loaded.error;
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	nsync_run_once_arg(&it->once, initialiser_load_slowly, it);
	*error = it->error;
	return it->instance;
}

static void initialiser_close(struct initialiser *it)
{
	if (it->instance)
		it->loader->unload(it->loader->arg, it->instance);
}

static const char *version(void)
{
	return PEER_VERSION;
}

#include "../../impl/initialiser/initialiser_export.h"
INITIALISER_EXPORT(peer_nsync_run_once, .about.lesson = "pthread_once with an argument", .about.claims = PEER_INITIALISER_CLAIMS,
	.about.missing = INITIALISER_RETRIES_FAILURE, .about.calls = "nsync_run_once_arg", .rearmable = true);
PEER(initialiser_peer_nsync_run_once, "nsync", version, NULL);
