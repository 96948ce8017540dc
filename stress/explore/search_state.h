/* SPDX-License-Identifier: MIT */
/* What a search keeps from one execution to the next, as bytes, so that it can go on in another process of the same program. */
#ifndef ONCEPROOF_EXPLORE_SEARCH_STATE_H
#define ONCEPROOF_EXPLORE_SEARCH_STATE_H

#include <stdbool.h>
#include <stddef.h>

/* Written from the front; `failed`: no memory. free() `bytes`. */
struct search_state {
	char *bytes;
	size_t count, room;
	bool failed;
};

void search_state_add(struct search_state *to, const void *from, size_t bytes);

/* Read from the front; `failed`: there was less than was asked for. */
struct search_state_reader {
	const char *at;
	size_t left;
	bool failed;
};

bool search_state_take(struct search_state_reader *from, void *to, size_t bytes);

#endif
