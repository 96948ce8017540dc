/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libc_private.h"

/* Copies TEXT up to its end or LIMIT without its 0; how many bytes. */
static size_t copy_text(char *to, const char *text, size_t limit, const void *site)
{
	size_t length = 0;
	if (!memory_anything_races()) {
		length = memory_length(text, limit, site);
		memory_put(to, text, length, site);
		return length;
	}
	for (char c; length < limit && (c = (char)memory_byte(text + length, site)) != 0; length++)
		memory_put(to + length, &c, 1, site);
	return length;
}

/* The same, and a 0 behind it. */
static size_t copy_all(char *to, const char *text, size_t limit, const void *site)
{
	size_t length = copy_text(to, text, limit, site);
	memory_set(to + length, 0, 1, site);
	return length;
}

/* The same, filled up with 0 to LIMIT bytes. */
static size_t copy_padded(char *to, const char *text, size_t limit, const void *site)
{
	size_t length = copy_text(to, text, limit, site);
	memory_set(to + length, 0, limit - length, site);
	return length;
}

static size_t append(char *to, const char *text, size_t limit, const void *site)
{
	size_t before = memory_length(to, SIZE_MAX, site);
	return before + copy_all(to + before, text, limit, site);
}

static int compare(const char *a, const char *b, size_t limit, bool fold, const void *site)
{
	bool races = memory_anything_races();
	int difference = 0;
	size_t i = 0;
	for (bool goes_on = true; goes_on && i < limit; i++) {
		int x = races ? memory_byte(a + i, site) : (unsigned char)a[i];
		int y = races ? memory_byte(b + i, site) : (unsigned char)b[i];
		difference = fold ? tolower(x) - tolower(y) : x - y;
		goes_on = x && !difference;
	}
	if (!races) {
		runtime_access(a, i, false, site);
		runtime_access(b, i, false, site);
	}
	return difference;
}

/* How many bytes of TEXT are in SET (IN) or are not (!IN), until one is otherwise: *STOP. */
static size_t span(const char *text, const char *set, bool in, char *stop, const void *site)
{
	struct view text_view, set_view;
	size_t length;
	set = memory_view_text(&set_view, set, SIZE_MAX, &length, site);
	bool races = memory_anything_races();
	if (races)
		text = memory_view_text(&text_view, text, SIZE_MAX, &length, site);
	size_t found = in ? strspn(text, set) : strcspn(text, set);
	if (!races)
		runtime_access(text, found + 1, false, site);
	*stop = text[found];
	return found;
}

/* Where VALUE is in TEXT, else its end. */
static char *find(const char *text, int value, const void *site)
{
	if (!memory_anything_races()) {
		char *found = strchrnul(text, value);
		runtime_access(text, (size_t)(found - text) + 1, false, site);
		return found;
	}
	for (unsigned char c; (c = memory_byte(text, site)) != 0 && c != (unsigned char)value;)
		text++;
	return (char *)(uintptr_t)text;
}

static char *find_last(const char *text, int value, const void *site)
{
	struct view view;
	size_t length;
	const char *seen = memory_view_text(&view, text, SIZE_MAX, &length, site);
	return memory_seen(&view, strrchr(seen, value));
}

static char *find_text(const char *text, const char *part, bool fold, const void *site)
{
	struct view text_view, part_view;
	size_t length, part_length;
	part = memory_view_text(&part_view, part, SIZE_MAX, &part_length, site);
	if (!memory_anything_races()) {
		char *found = fold ? strcasestr(text, part) : strstr(text, part);
		runtime_access(text, found ? (size_t)(found - text) + part_length : strlen(text) + 1, false, site);
		return found;
	}
	text = memory_view_text(&text_view, text, SIZE_MAX, &length, site);
	return memory_seen(&text_view, fold ? strcasestr(text, part) : strstr(text, part));
}

static char *get_pointer(char **at, const void *site)
{
	struct view view;
	char *pointer;
	memcpy(&pointer, memory_view(&view, at, sizeof *at, site), sizeof pointer);
	return pointer;
}

static void put_pointer(char **at, char *pointer, const void *site)
{
	memory_put(at, &pointer, sizeof pointer, site);
}

/* The end of a token at TEXT is made an end of text; what comes behind it. At the end of all, NULL or (LAST) the end. */
static char *cut(char *text, const char *set, bool last, const void *site)
{
	char stop;
	char *end = text + span(text, set, false, &stop, site);
	if (!stop)
		return last ? end : NULL;
	memory_set(end, 0, 1, site);
	return end + 1;
}

static char *token(char *text, const char *set, char **rest, const void *site)
{
	char stop;
	if (!text)
		text = get_pointer(rest, site);
	if (!text)
		return NULL;
	text += span(text, set, true, &stop, site);
	put_pointer(rest, stop ? cut(text, set, true, site) : text, site);
	return stop ? text : NULL;
}

/* The functions ------------------------------------------------------------------------------------------------------------------------- */

size_t explored_strlen(const char *text)
{
	return explored_enters() ? memory_length(text, SIZE_MAX, SITE) : strlen(text);
}

size_t explored_strnlen(const char *text, size_t limit)
{
	return explored_enters() ? memory_length(text, limit, SITE) : strnlen(text, limit);
}

char *explored_strcpy(char *to, const char *from)
{
	if (!explored_enters())
		return strcpy(to, from);
	copy_all(to, from, SIZE_MAX, SITE);
	return to;
}

char *explored_stpcpy(char *to, const char *from)
{
	return explored_enters() ? to + copy_all(to, from, SIZE_MAX, SITE) : stpcpy(to, from);
}

char *explored_strncpy(char *to, const char *from, size_t bytes)
{
	if (!explored_enters())
		return memcpy(memset(to, 0, bytes), from, strnlen(from, bytes));
	copy_padded(to, from, bytes, SITE);
	return to;
}

char *explored_stpncpy(char *to, const char *from, size_t bytes)
{
	return explored_enters() ? to + copy_padded(to, from, bytes, SITE) : stpncpy(to, from, bytes);
}

char *explored_strcat(char *to, const char *from)
{
	if (!explored_enters())
		return strcat(to, from);
	append(to, from, SIZE_MAX, SITE);
	return to;
}

char *explored_strncat(char *to, const char *from, size_t limit)
{
	if (!explored_enters())
		return strncat(to, from, limit);
	append(to, from, limit, SITE);
	return to;
}

int explored_strcmp(const char *a, const char *b)
{
	return explored_enters() ? compare(a, b, SIZE_MAX, false, SITE) : strcmp(a, b);
}

int explored_strncmp(const char *a, const char *b, size_t limit)
{
	return explored_enters() ? compare(a, b, limit, false, SITE) : strncmp(a, b, limit);
}

int explored_strcasecmp(const char *a, const char *b)
{
	return explored_enters() ? compare(a, b, SIZE_MAX, true, SITE) : strcasecmp(a, b);
}

int explored_strncasecmp(const char *a, const char *b, size_t limit)
{
	return explored_enters() ? compare(a, b, limit, true, SITE) : strncasecmp(a, b, limit);
}

/* strchr finds the 0 at the end, if that is what is looked for. */
static char *found_or_null(char *found, int value)
{
	return *(volatile char *)found == (char)value ? found : NULL;
}

char *explored_strchr(const char *text, int value)
{
	return explored_enters() ? found_or_null(find(text, value, SITE), value) : (char *)(uintptr_t)strchr(text, value);
}

char *explored_strchrnul(const char *text, int value)
{
	return explored_enters() ? find(text, value, SITE) : (char *)(uintptr_t)strchrnul(text, value);
}

char *explored_strrchr(const char *text, int value)
{
	return explored_enters() ? find_last(text, value, SITE) : (char *)(uintptr_t)strrchr(text, value);
}

char *explored_index(const char *text, int value)
{
	return explored_enters() ? found_or_null(find(text, value, SITE), value) : (char *)(uintptr_t)strchr(text, value);
}

char *explored_rindex(const char *text, int value)
{
	return explored_enters() ? find_last(text, value, SITE) : (char *)(uintptr_t)strrchr(text, value);
}

char *explored_strstr(const char *text, const char *part)
{
	return explored_enters() ? find_text(text, part, false, SITE) : (char *)(uintptr_t)strstr(text, part);
}

char *explored_strcasestr(const char *text, const char *part)
{
	return explored_enters() ? find_text(text, part, true, SITE) : (char *)(uintptr_t)strcasestr(text, part);
}

size_t explored_strspn(const char *text, const char *set)
{
	char stop;
	return explored_enters() ? span(text, set, true, &stop, SITE) : strspn(text, set);
}

size_t explored_strcspn(const char *text, const char *set)
{
	char stop;
	return explored_enters() ? span(text, set, false, &stop, SITE) : strcspn(text, set);
}

char *explored_strpbrk(const char *text, const char *set)
{
	char stop;
	if (!explored_enters())
		return (char *)(uintptr_t)strpbrk(text, set);
	text += span(text, set, false, &stop, SITE);
	return stop ? (char *)(uintptr_t)text : NULL;
}

char *explored_strtok_r(char *text, const char *set, char **rest)
{
	return explored_enters() ? token(text, set, rest, SITE) : strtok_r(text, set, rest);
}

char *explored___strtok_r(char *text, const char *set, char **rest)
{
	return explored_enters() ? token(text, set, rest, SITE) : strtok_r(text, set, rest);
}

char *explored_strsep(char **rest, const char *set)
{
	if (!explored_enters())
		return strsep(rest, set);
	char *text = get_pointer(rest, SITE);
	if (text)
		put_pointer(rest, cut(text, set, false, SITE), SITE);
	return text;
}

/* What _FORTIFY_SOURCE makes of them ---------------------------------------------------------------------------------------------------- */

char *explored___strcpy_chk(char *to, const char *from, size_t room)
{
	if (!explored_enters())
		return strcpy(to, from);
	memory_fits(strlen(from) + 1, room, SITE);
	copy_all(to, from, SIZE_MAX, SITE);
	return to;
}

char *explored___stpcpy_chk(char *to, const char *from, size_t room)
{
	if (!explored_enters())
		return stpcpy(to, from);
	memory_fits(strlen(from) + 1, room, SITE);
	return to + copy_all(to, from, SIZE_MAX, SITE);
}

char *explored___strncpy_chk(char *to, const char *from, size_t bytes, size_t room)
{
	if (!explored_enters())
		return memcpy(memset(to, 0, bytes), from, strnlen(from, bytes));
	memory_fits(bytes, room, SITE);
	copy_padded(to, from, bytes, SITE);
	return to;
}

char *explored___stpncpy_chk(char *to, const char *from, size_t bytes, size_t room)
{
	if (!explored_enters())
		return stpncpy(to, from, bytes);
	memory_fits(bytes, room, SITE);
	return to + copy_padded(to, from, bytes, SITE);
}

char *explored___strcat_chk(char *to, const char *from, size_t room)
{
	if (!explored_enters())
		return strcat(to, from);
	memory_fits(strlen(to) + strlen(from) + 1, room, SITE);
	append(to, from, SIZE_MAX, SITE);
	return to;
}

char *explored___strncat_chk(char *to, const char *from, size_t limit, size_t room)
{
	if (!explored_enters())
		return strncat(to, from, limit);
	memory_fits(strlen(to) + strnlen(from, limit) + 1, room, SITE);
	append(to, from, limit, SITE);
	return to;
}
