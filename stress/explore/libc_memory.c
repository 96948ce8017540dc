/* SPDX-License-Identifier: MIT */
#include "libc_memory.h"

#include <string.h>
#include <strings.h>

#include "libc_private.h"

/* Racing memory -------------------------------------------------------------------------------------------------------------------------- */

bool memory_races(const void *at, size_t bytes)
{
	return races_any_promoted() && !runtime->quiet && races_promoted((uintptr_t)at, bytes);
}

/* How many of BYTES at AT lie in its granule. */
static size_t piece_at(const void *at, size_t bytes)
{
	size_t rest = 8 - (uintptr_t)at % 8;
	return rest < bytes ? rest : bytes;
}

/* Copies from memory of the program to the runtime's own. */
static void get(char *to, const char *from, size_t bytes, const void *site)
{
	for (size_t piece; bytes; bytes -= piece, from += piece, to += piece) {
		piece = piece_at(from, bytes);
		runtime_access(from, piece, false, site);
		memcpy(to, from, piece);
	}
}

static void put(char *to, const char *from, size_t bytes, const void *site)
{
	for (size_t piece; bytes; bytes -= piece, from += piece, to += piece) {
		piece = piece_at(to, bytes);
		runtime_access(to, piece, true, site);
		memcpy(to, from, piece);
		runtime_wrote();
	}
}

/* Piece by piece, from the end on if the end would be overwritten before it is read. */
static void move_racing(char *to, const char *from, size_t bytes, const void *site)
{
	char word[8];
	if (to <= from || to >= from + bytes) {
		for (size_t done = 0, piece; done < bytes; done += piece) {
			piece = piece_at(from + done, bytes - done);
			get(word, from + done, piece, site);
			put(to + done, word, piece, site);
		}
		return;
	}
	for (size_t left = bytes, piece; left; left -= piece) {
		piece = (uintptr_t)(from + left) % 8;
		piece = piece ? piece : 8;
		piece = piece < left ? piece : left;
		get(word, from + left - piece, piece, site);
		put(to + left - piece, word, piece, site);
	}
}

void memory_move(void *to, const void *from, size_t bytes, const void *site)
{
	if (memory_races(from, bytes) || memory_races(to, bytes)) {
		move_racing(to, from, bytes, site);
		return;
	}
	runtime_access(from, bytes, false, site);
	runtime_access(to, bytes, true, site);
	memmove(to, from, bytes);
	runtime_wrote();
}

void memory_put(void *to, const void *from, size_t bytes, const void *site)
{
	if (memory_races(to, bytes)) {
		put(to, from, bytes, site);
		return;
	}
	runtime_access(to, bytes, true, site);
	memcpy(to, from, bytes);
	runtime_wrote();
}

void memory_set(void *to, int value, size_t bytes, const void *site)
{
	if (!memory_races(to, bytes)) {
		runtime_access(to, bytes, true, site);
		memset(to, value, bytes);
		runtime_wrote();
		return;
	}
	char word[8], *at = to;
	memset(word, value, sizeof word);
	for (size_t piece; bytes; bytes -= piece, at += piece) {
		piece = piece_at(at, bytes);
		put(at, word, piece, site);
	}
}

void memory_fits(size_t bytes, size_t room, const void *site)
{
	if (bytes <= room)
		return;
	struct place place = runtime_place(site, "writes %zu bytes", bytes);
	runtime_finding(FINDING_MISUSE, &place, 1, "thread %u writes %zu bytes into an object of %zu bytes", runtime->current,
		bytes, room);
	runtime_stop(ENDING_FINDING);
}

/* Reading until something is found -------------------------------------------------------------------------------------------------- */

unsigned char memory_byte(const void *at, const void *site)
{
	runtime_access(at, 1, false, site);
	return *(const volatile unsigned char *)at;
}

bool memory_anything_races(void)
{
	return races_any_promoted() && !runtime->quiet;
}

/* The index of the first byte that is VALUE, or LIMIT. */
static size_t first_of(const unsigned char *in, int value, size_t limit, const void *site)
{
	if (!memory_anything_races()) {
		const unsigned char *at = limit == SIZE_MAX ? rawmemchr(in, value) : memchr(in, value, limit);
		size_t found = at ? (size_t)(at - in) : limit;
		runtime_access(in, found < limit ? found + 1 : limit, false, site);
		return found;
	}
	size_t i = 0;
	while (i < limit && memory_byte(in + i, site) != (unsigned char)value)
		i++;
	return i;
}

size_t memory_length(const char *text, size_t limit, const void *site)
{
	return first_of((const unsigned char *)text, 0, limit, site);
}

/* Copies of racing memory, as the execution decided on it -------------------------------------------------------------------------------- */

const void *memory_view(struct view *view, const void *at, size_t bytes, const void *site)
{
	view->original = view->at = at;
	if (!memory_races(at, bytes) || bytes > sizeof view->copy) {
		runtime_access(at, bytes, false, site);
		return at;
	}
	get(view->copy, at, bytes, site);
	return view->at = view->copy;
}

const char *memory_view_text(struct view *view, const char *text, size_t limit, size_t *length, const void *site)
{
	view->original = view->at = text;
	*length = 0;
	if (memory_anything_races())
		for (; *length < sizeof view->copy; ++*length)
			if (*length == limit || !(view->copy[*length] = (char)memory_byte(text + *length, site)))
				return view->at = view->copy;
	*length += memory_length(text + *length, limit - *length, site);
	return text;
}

void *memory_seen(const struct view *view, const void *found)
{
	return found ? (char *)(uintptr_t)view->original + ((const char *)found - (const char *)view->at) : NULL;
}

/* The functions ------------------------------------------------------------------------------------------------------------------------- */

static void *move(void *to, const void *from, size_t bytes, const void *site)
{
	memory_move(to, from, bytes, site);
	return to;
}

static void *set(void *to, int value, size_t bytes, const void *site)
{
	memory_set(to, value, bytes, site);
	return to;
}

void *explored_memcpy(void *to, const void *from, size_t bytes)
{
	return explored_enters() ? move(to, from, bytes, SITE) : memcpy(to, from, bytes);
}

void *explored_memmove(void *to, const void *from, size_t bytes)
{
	return explored_enters() ? move(to, from, bytes, SITE) : memmove(to, from, bytes);
}

void *explored_mempcpy(void *to, const void *from, size_t bytes)
{
	return explored_enters() ? (char *)move(to, from, bytes, SITE) + bytes : mempcpy(to, from, bytes);
}

void *explored_memccpy(void *to, const void *from, int last, size_t bytes)
{
	if (!explored_enters())
		return memccpy(to, from, last, bytes);
	size_t found = first_of(from, last, bytes, SITE);
	size_t copied = found < bytes ? found + 1 : bytes;
	memory_move(to, from, copied, SITE);
	return found < bytes ? (char *)to + copied : NULL;
}

void *explored_memset(void *to, int value, size_t bytes)
{
	return explored_enters() ? set(to, value, bytes, SITE) : memset(to, value, bytes);
}

void explored_bcopy(const void *from, void *to, size_t bytes)
{
	if (explored_enters())
		memory_move(to, from, bytes, SITE);
	else
		memmove(to, from, bytes);
}

void explored_bzero(void *to, size_t bytes)
{
	if (explored_enters())
		memory_set(to, 0, bytes, SITE);
	else
		memset(to, 0, bytes);
}

void explored_explicit_bzero(void *to, size_t bytes)
{
	if (explored_enters())
		memory_set(to, 0, bytes, SITE);
	else
		explicit_bzero(to, bytes);
}

static int compare(const void *a, const void *b, size_t bytes, const void *site)
{
	if (!memory_races(a, bytes) && !memory_races(b, bytes)) {
		runtime_access(a, bytes, false, site);
		runtime_access(b, bytes, false, site);
		return memcmp(a, b, bytes);
	}
	/* All of it is read, whatever comes out: C lets memcmp do so. */
	int first = 0;
	for (size_t i = 0; i < bytes; i++) {
		int difference = memory_byte((const char *)a + i, site);
		difference -= memory_byte((const char *)b + i, site);
		first = first ? first : difference;
	}
	return first;
}

int explored_memcmp(const void *a, const void *b, size_t bytes)
{
	return explored_enters() ? compare(a, b, bytes, SITE) : memcmp(a, b, bytes);
}

int explored_bcmp(const void *a, const void *b, size_t bytes)
{
	return explored_enters() ? compare(a, b, bytes, SITE) : memcmp(a, b, bytes);
}

void *explored_memchr(const void *in, int value, size_t bytes)
{
	if (!explored_enters())
		return (void *)(uintptr_t)memchr(in, value, bytes);
	size_t found = first_of(in, value, bytes, SITE);
	return found < bytes ? (char *)(uintptr_t)in + found : NULL;
}

void *explored_rawmemchr(const void *in, int value)
{
	if (!explored_enters())
		return (void *)(uintptr_t)rawmemchr(in, value);
	return (char *)(uintptr_t)in + first_of(in, value, SIZE_MAX, SITE);
}

void *explored_memrchr(const void *in, int value, size_t bytes)
{
	struct view view;
	if (!explored_enters())
		return (void *)(uintptr_t)memrchr(in, value, bytes);
	const void *seen = memory_view(&view, in, bytes, SITE);
	return memory_seen(&view, memrchr(seen, value, bytes));
}

void *explored_memmem(const void *in, size_t in_bytes, const void *part, size_t part_bytes)
{
	struct view view, part_view;
	if (!explored_enters())
		return memmem(in, in_bytes, part, part_bytes);
	const void *seen_part = memory_view(&part_view, part, part_bytes, SITE);
	const void *seen = memory_view(&view, in, in_bytes, SITE);
	return memory_seen(&view, memmem(seen, in_bytes, seen_part, part_bytes));
}

/* What _FORTIFY_SOURCE makes of them ---------------------------------------------------------------------------------------------------- */

void *explored___memcpy_chk(void *to, const void *from, size_t bytes, size_t room)
{
	if (!explored_enters())
		return memcpy(to, from, bytes);
	memory_fits(bytes, room, SITE);
	return move(to, from, bytes, SITE);
}

void *explored___memmove_chk(void *to, const void *from, size_t bytes, size_t room)
{
	if (!explored_enters())
		return memmove(to, from, bytes);
	memory_fits(bytes, room, SITE);
	return move(to, from, bytes, SITE);
}

void *explored___mempcpy_chk(void *to, const void *from, size_t bytes, size_t room)
{
	if (!explored_enters())
		return mempcpy(to, from, bytes);
	memory_fits(bytes, room, SITE);
	return (char *)move(to, from, bytes, SITE) + bytes;
}

void *explored___memset_chk(void *to, int value, size_t bytes, size_t room)
{
	if (!explored_enters())
		return memset(to, value, bytes);
	memory_fits(bytes, room, SITE);
	return set(to, value, bytes, SITE);
}

void explored___explicit_bzero_chk(void *to, size_t bytes, size_t room)
{
	if (!explored_enters()) {
		explicit_bzero(to, bytes);
		return;
	}
	memory_fits(bytes, room, SITE);
	memory_set(to, 0, bytes, SITE);
}
