/* SPDX-License-Identifier: MIT */
/* What an initialiser with loader `link_time` loads in the workers: the scenarios' own small model, with its books. */
#include <stdlib.h>

#include "model.h"

static struct model_linked books;

static void *linked_load(void *arg, int *error)
{
	struct model_linked *linked = arg;
	struct model *model = malloc(sizeof *model);
	if (!model) {
		*error = ENOMEM;
		return NULL;
	}
	model_fill(model);
	/* relaxed: a number; starting the threads that read it orders it. */
	atomic_fetch_add_explicit(&linked->made, 1, memory_order_relaxed);
	return model;
}

static void linked_unload(void *arg, void *instance)
{
	(void)arg;
	free(instance);
}

const struct initialiser_loader initialiser_linked_loader = {linked_load, linked_unload, &books};
