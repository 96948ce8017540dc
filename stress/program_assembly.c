/* SPDX-License-Identifier: MIT */
/* Inline assembly, found in the compiler's assembly: both compilers put it between lines #APP and #NO_APP.
 *
 * The rule: a piece is harmless if it has no instruction (a barrier for the compiler only) or only pause and nop, alone or behind rep.
 * Everything else could touch memory or time behind the explorer's back, and reports when it is reached. The report is a call that
 * leaves all registers and flags as they are; explored code is compiled without a red zone, so a call can be put anywhere.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program_parts.h"

struct scan {
	const char *source;
	char place[512]; /* "file:line" of the piece, as far as known */
	bool in_function, in_piece;
	char *piece; /* its lines */
	size_t length;
	char first[64]; /* its first instruction that matters */
};

static const char *skip_blanks(const char *line)
{
	while (*line == ' ' || *line == '\t')
		line++;
	return line;
}

/* "# 10 "a.c" 1" by gcc inside of a piece; the trailing "# a.c:10:114" of clang's .loc; else the number of a .loc. */
static void note_place(struct scan *scan, const char *line)
{
	char file[400];
	int number;
	const char *comment = strstr(line, "# ");
	if (strncmp(line, "# ", 2) == 0 && sscanf(line, "# %d \"%399[^\"]\"", &number, file) == 2 && number > 0)
		snprintf(scan->place, sizeof scan->place, "%s:%d", file, number);
	else if (strncmp(line, ".loc", 4) == 0 && comment && sscanf(comment, "# %399[^:]:%d", file, &number) == 2)
		snprintf(scan->place, sizeof scan->place, "%s:%d", file, number);
	else if (sscanf(line, ".loc %*d %d", &number) == 1)
		snprintf(scan->place, sizeof scan->place, "%s:%d", scan->source, number);
}

/* One statement of assembly, without blanks around it. */
static bool harmless(const char *statement)
{
	static const char *const fine[] = {"pause", "nop", "rep nop", "rep", "rep pause"};
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
		if (strcmp(statement, fine[i]) == 0)
			return true;
	return statement[0] == '\0' || statement[0] == '#' || statement[0] == '.' || statement[strlen(statement) - 1] == ':';
}

static void look_at(struct scan *scan, const char *line)
{
	char copy[4096], *rest = copy;
	snprintf(copy, sizeof copy, "%s", line);
	copy[strcspn(copy, "#\n")] = '\0';
	for (char *statement; !scan->first[0] && (statement = strsep(&rest, ";")) != NULL;) {
		char squeezed[sizeof scan->first];
		size_t length = 0;
		for (const char *at = skip_blanks(statement); *at && length + 1 < sizeof squeezed; at++)
			if (!isspace((unsigned char)*at) || (length && squeezed[length - 1] != ' '))
				squeezed[length++] = isspace((unsigned char)*at) ? ' ' : *at;
		while (length && squeezed[length - 1] == ' ')
			length--;
		squeezed[length] = '\0';
		if (!harmless(squeezed))
			memcpy(scan->first, squeezed, sizeof squeezed);
	}
}

static int keep(struct scan *scan, const char *line)
{
	size_t length = strlen(line);
	char *piece = realloc(scan->piece, scan->length + length + 1);
	if (!piece)
		return ENOMEM;
	memcpy(piece + scan->length, line, length + 1);
	scan->piece = piece;
	scan->length += length;
	return 0;
}

static void piece_ends(struct scan *scan, FILE *to, struct words *names, struct words *notes)
{
	if (scan->first[0] && scan->in_function)
		fprintf(to, "\tcall\texplored_asm_%zu\n", names->count);
	if (scan->first[0])
		words_add(scan->in_function ? names : notes, "inline assembly at %s (%s)", scan->place, scan->first);
	fwrite(scan->piece, 1, scan->length, to);
	scan->length = 0;
	scan->first[0] = '\0';
	scan->in_piece = false;
}

static int scan_line(struct scan *scan, const char *text, FILE *to, struct words *names, struct words *notes)
{
	const char *line = skip_blanks(text);
	note_place(scan, line);
	if (strncmp(line, "#APP", 4) == 0)
		scan->in_piece = true;
	if (!scan->in_piece) {
		if (strncmp(line, ".cfi_startproc", 14) == 0)
			scan->in_function = true;
		if (strncmp(line, ".cfi_endproc", 12) == 0)
			scan->in_function = false;
		return fputs(text, to) < 0 ? errno : 0;
	}
	look_at(scan, line);
	int why = keep(scan, text);
	if (strncmp(line, "#NO_APP", 7) == 0)
		piece_ends(scan, to, names, notes);
	return why;
}

int program_assembly(const char *from, const char *to, const char *source, struct words *names, struct words *notes)
{
	FILE *in = fopen(from, "re"), *out = in ? fopen(to, "we") : NULL;
	int why = out ? 0 : errno;
	struct scan scan = {.source = source};
	snprintf(scan.place, sizeof scan.place, "%s", source);
	char *line = NULL;
	size_t room = 0;
	while (!why && getline(&line, &room, in) > 0)
		why = scan_line(&scan, line, out, names, notes);
	if (!why && scan.length)
		piece_ends(&scan, out, names, notes);
	if (out && (ferror(out) | (fclose(out) != 0)) && !why)
		why = errno ? errno : EIO;
	if (in)
		fclose(in);
	free(line);
	free(scan.piece);
	return why;
}
