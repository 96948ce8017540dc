/* SPDX-License-Identifier: MIT */
/* What a search writes down of itself, and reads again. */
#include <stdlib.h>
#include <string.h>

#include "search.h"

void search_state_add(struct search_state *to, const void *from, size_t bytes)
{
	if (to->failed || !bytes)
		return;
	if (to->room - to->count < bytes) {
		size_t room = (to->count + bytes) * 2;
		char *more = realloc(to->bytes, room);
		to->failed = !more;
		if (!more)
			return;
		to->bytes = more;
		to->room = room;
	}
	memcpy(to->bytes + to->count, from, bytes);
	to->count += bytes;
}

bool search_state_take(struct search_state_reader *from, void *to, size_t bytes)
{
	from->failed |= from->left < bytes;
	if (from->failed)
		return false;
	if (bytes)
		memcpy(to, from->at, bytes);
	from->at += bytes;
	from->left -= bytes;
	return true;
}
