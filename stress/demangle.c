/* SPDX-License-Identifier: MIT */
#include "demangle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the C++ ABI (Itanium C++ ABI, 3.4). */
char *__cxa_demangle(const char *name, char *buffer, size_t *bytes, int *status);

/* The last character that stands outside of all brackets and is C, at or before END; NULL: there is none. */
static char *last_outside(char *text, char *end, char c)
{
	int depth = 0;
	for (char *at = end; at >= text; at--) {
		/* The arrows of "operator->" and the signs of comparisons are no brackets. */
		bool sign = at - text >= 8 && strncmp(at - 8, "operator", 8) == 0;
		if (depth == 0 && *at == c)
			return at;
		if (*at == ')' || *at == '}' || (*at == '>' && !sign))
			depth++;
		else if (*at == '(' || *at == '{' || (*at == '<' && !sign))
			depth--;
	}
	return NULL;
}

/* "make[abi:cxx11]" is "make". */
static void drop_tags(char *text)
{
	for (char *tag; (tag = strstr(text, "[abi:")) != NULL;) {
		char *end = strchr(tag, ']');
		if (!end)
			return;
		memmove(tag, end + 1, strlen(end + 1) + 1);
	}
}

/* "int scope::name<…>(int) const" is "scope::name<…>". */
static void shorten(char *text)
{
	drop_tags(text);
	char *close = strrchr(text, ')');
	if (close && (close[1] == '\0' || close[1] == ' ')) {
		int depth = 0;
		char *open = close;
		for (; open > text; open--) {
			depth += *open == ')';
			depth -= *open == '(';
			if (!depth)
				break;
		}
		if (open > text)
			*open = '\0';
	}
	/* "operator new", "operator bool" */
	char *named = strstr(text, "operator ");
	char *end = named && named > text ? named - 1 : text + strlen(text) - 1;
	char *space = *text && named != text ? last_outside(text, end, ' ') : NULL;
	if (space)
		memmove(text, space + 1, strlen(space + 1) + 1);
}

/* "ready" of "_ZL5ready", and of "_ZL5ready.0", which clang makes of it where one member is left; *STATUS is 0, and the text is the caller's. */
static char *plain(const char *name, int *status)
{
	char *full = __cxa_demangle(name, NULL, NULL, status);
	if (*status == 0 || !strchr(name, '.'))
		return full;
	char *without = strndup(name, strcspn(name, "."));
	full = without ? __cxa_demangle(without, NULL, NULL, status) : NULL;
	free(without);
	return full;
}

void demangle(const char *name, char *text, size_t bytes)
{
	int status = -1;
	char *full = strncmp(name, "_Z", 2) == 0 ? plain(name, &status) : NULL;
	/* Not "vtable for bank", "guard variable for make()::it". */
	if (full && status == 0 && name[2] != 'T' && name[2] != 'G')
		shorten(full);
	snprintf(text, bytes, "%s", full && status == 0 ? full : name);
	free(full);
}
