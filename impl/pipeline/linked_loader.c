/* SPDX-License-Identifier: MIT */
/* The model that link-time initialisers load before main: small, so that every program that links it starts at once. */
#include "model.h"

struct model_maker onceproof_linked_maker = {.bytes = BATCH_LINKED_MODEL};

const struct initialiser_loader initialiser_linked_loader = {
	.load = model_load,
	.unload = model_unload,
	.arg = &onceproof_linked_maker,
};
