/* SPDX-License-Identifier: MIT */
/* Takes a user's implementation, built as a shared object, into this process. Only programs that are made to run users' code do that. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/support/say.h"
#include "implementation_build.h"

static size_t descriptor_bytes(enum family family)
{
	static const size_t bytes[] = {sizeof(struct initialiser_implementation), sizeof(struct counter_implementation),
		sizeof(struct progress_implementation)};
	return family < FAMILY_PIPELINE ? bytes[family] : 0;
}

/* A copy of the descriptor ABOUT with another name: "mutex@mine.c". Never released. NULL: out of memory. */
static const struct implementation *renamed(const struct implementation *about, const char *file)
{
	const char *slash = strrchr(file, '/');
	struct implementation *copy = malloc(descriptor_bytes(about->family));
	char *name;
	if (!copy || asprintf(&name, "%s@%s", about->name, slash ? slash + 1 : file) < 0)
		return NULL;
	memcpy(copy, about, descriptor_bytes(about->family));
	copy->name = name;
	return copy;
}

const struct registered *implementation_load(const char *path)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct registered *loaded = object ? dlsym(object, "onceproof_loaded") : NULL;
	if (!loaded || descriptor_bytes(loaded->about->family) == 0) {
		complain("%s: cannot be loaded: %s", path, object ? "it exports no implementation" : dlerror());
		return NULL;
	}
	struct registered entry = *loaded;
	if (registry_find(entry.about->family, entry.about->name))
		entry.about = renamed(entry.about, entry.file);
	if (!entry.about || registry_add(&entry) != 0) {
		complain("%s: %s", path, strerror(ENOMEM));
		return NULL;
	}
	return &onceproof_registry[onceproof_registry_count - 1];
}
