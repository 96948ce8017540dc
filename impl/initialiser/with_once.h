/* SPDX-License-Identifier: MIT */
/* The operations of an initialiser that is a struct once, as the #include of <onceproof/once.h> above this one made it. */
#ifndef ONCEPROOF_INITIALISER_WITH_ONCE_H
#define ONCEPROOF_INITIALISER_WITH_ONCE_H

#include <errno.h>
#include <onceproof/once.h>

#include "load.h"

struct initialiser {
	struct once once;
	const struct initialiser_loader *loader; /* borrowed; written by open only */
};

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	*it = (struct initialiser){.once = ONCE_INIT, .loader = loader};
	return 0;
}

/* As once_get() wants a loader: its error in errno. It is given the whole object: an argument that get first had to read from memory
 * would be read at each call, needed or not, as no read may sink below the acquire. */
static void *initialiser_load_for(void *arg)
{
	const struct initialiser *it = arg;
	struct loaded loaded = initialiser_load(it->loader);
	errno = loaded.error;
	return loaded.instance;
}

static SLOW_PATH int initialiser_error(void)
{
	return errno;
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	void *instance = once_get(&it->once, initialiser_load_for, it);
	*error = instance ? 0 : initialiser_error();
	return instance;
}

static void initialiser_close(struct initialiser *it)
{
	void *instance = once_reset(&it->once);
	if (instance)
		it->loader->unload(it->loader->arg, instance);
}

#endif
