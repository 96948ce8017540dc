/* SPDX-License-Identifier: MIT */
/* Peer    package=libglib2.0-dev module=glib-2.0
 * g_once_init_enter() and g_once_init_leave() of GLib: the word itself is the flag, looked at in a macro; waiters sleep on one mutex and
 * condition variable that all words share. Leaving needs a value other than 0, so a failure is a value too, and is kept.
 */
#include <glib.h>
#include <stdio.h>

#include "../../impl/initialiser/load.h"
#include "peer.h"

struct initialiser {
	gsize word;                              /* GLib's: 0, the instance (owned), or FAILED */
	int error;                               /* why the only load failed; written before the word is FAILED */
	const struct initialiser_loader *loader; /* borrowed; written by open only */
};

enum { FAILED = 1 };

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	it->word = 0;
	it->error = 0;
	it->loader = loader;
	return 0;
}

/* GLib's function, which its macro of that name calls: the word was 0 when the macro looked. */
static SLOW_PATH void initialiser_load_slowly(struct initialiser *it)
{
	struct loaded loaded = initialiser_load(it->loader);
	it->error = loaded.error;
	g_once_init_leave(&it->word, loaded.instance ? (gsize)loaded.instance : FAILED);
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	if (g_once_init_enter(&it->word))
		initialiser_load_slowly(it);
	if (G_UNLIKELY(it->word == FAILED)) {
		*error = it->error;
		return NULL;
	}
	*error = 0;
	return (void *)it->word;
}

static void initialiser_close(struct initialiser *it)
{
	if (it->word && it->word != FAILED)
		it->loader->unload(it->loader->arg, (void *)it->word);
}

static const char *version(void)
{
	static char text[32];
	snprintf(text, sizeof text, "%u.%u.%u", glib_major_version, glib_minor_version, glib_micro_version);
	return text;
}

#include "../../impl/initialiser/initialiser_export.h"
INITIALISER_EXPORT(peer_glib_once_init, .about.lesson = "the word is the flag and the instance, and a failure is one more value",
	.about.claims = PEER_INITIALISER_CLAIMS, .about.missing = INITIALISER_RETRIES_FAILURE,
	.about.calls = "g_once_init_enter initialiser_load_slowly", .rearmable = true);
PEER(initialiser_peer_glib_once_init, "GLib", version, NULL);
