/* SPDX-License-Identifier: MIT */
/* The text of a forced test: a head for people, the tables of its witness, and the turnstile. */
#include "forced_test.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../program_parts.h"

/* The turnstile's text, put here by the assembler (ONCEPROOF_FORCED: the folder forced/). */
#define EMBED(symbol, name)         \
	extern const char symbol[]; \
	__asm__(".pushsection .rodata\n" #symbol ":\n.incbin \"" ONCEPROOF_FORCED "/" name "\"\n.byte 0\n.popsection\n")
EMBED(forced_head, "head.c");
EMBED(forced_lines, "lines.c");
EMBED(forced_turns, "turns.c");
EMBED(forced_order, "order.c");
EMBED(forced_callbacks, "callbacks.c");
EMBED(forced_threads, "threads.c");
EMBED(forced_locks, "locks.c");
EMBED(forced_judge, "judge.c");

/* One access of the source is one call, library functions that are called inline stay calls, and those of C++'s library functions of
 * their own: their callers are the lines that count. */
const char *const *forced_test_options(bool clang, bool cxx)
{
#define COMMON \
	"-fsanitize=thread", "-g", "-fno-omit-frame-pointer", "-fno-builtin", "-fno-optimize-sibling-calls", "-U_FORTIFY_SOURCE"
#define GCC "-fno-ipa-reference", "-Wno-tsan"
#define CLANG "-mllvm", "-tsan-instrument-read-before-write=1"
#define CXX "-fno-inline", "-D_GLIBCXX_ALWAYS_INLINE=inline"
	static const char *const options[2][2][12] = {
		{{COMMON, GCC, NULL}, {COMMON, GCC, CXX, NULL}}, {{COMMON, CLANG, NULL}, {COMMON, CLANG, CXX, NULL}}};
	return options[clang][cxx];
}

/* TEXT as a C string literal. */
static void literal(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			fprintf(out, "\\%03o", c);
		else if (c == '?')
			fputs("\\?", out);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

/* TEXT inside of a comment, at most WIDTH bytes of it. */
static void remark(FILE *out, const char *text, size_t width)
{
	for (; *text && width; text++, width--)
		if (text[0] == '*' && text[1] == '/')
			fputs("* ", out);
		else if (text[0] == '/' && text[1] == '*')
			fputs("/ ", out);
		else
			fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
}

/* A word of a command line as the shell reads it, inside of a comment. */
static void shell_word(FILE *out, const char *word)
{
	bool plain =
		*word && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@%")] == '\0';
	if (!plain)
		fputc('\'', out);
	remark(out, word, strlen(word));
	if (!plain)
		fputc('\'', out);
}

/* A table of turns: what each thread does until the next is on. */
static void write_turns(const struct forced_source *source, FILE *out)
{
	size_t i;
	const json_t *row;
	fputs(" *   step  thread  line\n", out);
	json_array_foreach(node_get(source->witness, "interleaving"), i, row) {
		fprintf(out, " *   %4lld  %-6s  ", (long long)json_integer_value(node_get(row, "step")),
			node_string(row, "thread"));
		remark(out, node_string(row, "file"), 60);
		fprintf(out, ":%lld  ", (long long)json_integer_value(node_get(row, "line")));
		remark(out, node_string(row, "source"), 60);
		fputs("  -- ", out);
		remark(out, node_string(row, "operation"), 60);
		fputc(' ', out);
		remark(out, node_string(row, "where"), 40);
		if (json_is_string(node_get(row, "read")))
			fprintf(out, " = %s%s", node_string(row, "read"),
				json_is_true(node_get(row, "stale")) ? " (an old value)" : "");
		if (json_is_string(node_get(row, "written")))
			fprintf(out, " := %s", node_string(row, "written"));
		fputc('\n', out);
	}
}

static const char *optimise(const struct forced_source *source)
{
	return source->program.optimise ? source->program.optimise : "-O1";
}

static void write_flags(bool clang, bool cxx, FILE *out)
{
	for (const char *const *word = forced_test_options(clang, cxx); *word; word++)
		fprintf(out, " %s", *word);
}

static void write_commands(const struct forced_source *source, bool clang, FILE *out)
{
	struct program_flags flags = {0};
	bool cxx = false;
	program_flags(source->program.flags, source->program.flag_count, &flags);
	for (size_t i = 0; i < source->program.file_count; i++) {
		const char *file = source->program.files[i];
		bool its = program_is_cxx(file);
		cxx |= its;
		fprintf(out, " *   %s -c", clang ? its ? "clang++" : "clang" : its ? "g++" : "gcc");
		for (size_t w = 0; w < flags.compile.count; w++) {
			fputc(' ', out);
			shell_word(out, flags.compile.at[w]);
		}
		/* A scenario file. */
		if (source->what->part)
			fputs(" $(pkg-config --cflags onceproof)", out);
		fprintf(out, " %s", optimise(source));
		write_flags(clang, its, out);
		fputc(' ', out);
		shell_word(out, file);
		fprintf(out, " -o program%zu.o\n", i);
	}
	fprintf(out, " *   %s -c -O1 -g this_file.c -o turnstile.o\n *   %s turnstile.o", clang ? "clang" : "gcc",
		clang ? cxx ? "clang++" : "clang"
		: cxx ? "g++"
		      : "gcc");
	for (size_t i = 0; i < source->program.file_count; i++)
		fprintf(out, " program%zu.o", i);
	for (size_t w = 0; w < flags.link.count; w++) {
		fputc(' ', out);
		shell_word(out, flags.link.at[w]);
	}
	fputs(" -lm -pthread -ldl -o forced_test && ./forced_test\n", out);
	words_free(&flags.compile);
	words_free(&flags.link);
}

static void write_cmake(const struct forced_source *source, FILE *out)
{
	bool cxx = false;
	for (size_t i = 0; i < source->program.file_count; i++)
		cxx |= program_is_cxx(source->program.files[i]);
	fputs(" *   add_executable(forced_test this_file.c", out);
	for (size_t i = 0; i < source->program.file_count; i++) {
		fputc(' ', out);
		shell_word(out, source->program.files[i]);
	}
	fputs(")\n *   set_source_files_properties(", out);
	for (size_t i = 0; i < source->program.file_count; i++) {
		shell_word(out, source->program.files[i]);
		fputc(' ', out);
	}
	fputs("PROPERTIES COMPILE_OPTIONS\n *       \"", out);
	struct program_flags flags = {0};
	program_flags(source->program.flags, source->program.flag_count, &flags);
	for (size_t w = 0; w < flags.compile.count; w++) {
		remark(out, flags.compile.at[w], strlen(flags.compile.at[w]));
		fputc(';', out);
	}
	fputs(optimise(source), out);
	words_free(&flags.compile);
	words_free(&flags.link);

	for (const char *const *word = forced_test_options(false, cxx); *word; word++)
		if (strcmp(*word, "-fno-ipa-reference") != 0 && strcmp(*word, "-Wno-tsan") != 0)
			fprintf(out, ";%s", *word);
	fputs(";$<$<C_COMPILER_ID:Clang>:-mllvm;-tsan-instrument-read-before-write=1>\")\n"
	      " *   target_link_libraries(forced_test PRIVATE pthread m ${CMAKE_DL_LIBS})\n"
	      " *   add_test(NAME forced_test COMMAND forced_test)\n"
	      " *   set_tests_properties(forced_test PROPERTIES SKIP_RETURN_CODE 77)\n",
		out);
}

static void write_head(const struct forced_source *source, FILE *out)
{
	fputs("/* SPDX-License-Identifier: MIT */\n/* A test that forces one interleaving on the threads of ", out);
	remark(out, node_string(source->witness, "subject"), 200);
	fputs(". It was red when it was made, because of this:\n *\n *   ", out);
	remark(out, node_string(source->witness, "kind"), 60);
	fputs(": ", out);
	remark(out, node_string(source->witness, "message"), 600);
	fputs("\n *\n", out);
	write_turns(source, out);
	fputs(" *\n * The program's own files are compiled with -fsanitize=thread, and linked without it, with this file. With "
	      "gcc:\n",
		out);
	write_commands(source, false, out);
	fputs(" * With clang:\n", out);
	write_commands(source, true, out);
	fputs(" * With CMake:\n", out);
	write_cmake(source, out);
	fprintf(out,
		" *\n * Exit status:\n"
		" *    0  the interleaving was forced, or can no longer be (a lock keeps a thread out, say), and the program "
		"ended well\n"
		" *    1  the bug is there\n"
		" *    2  the code has changed too much: a line of the interleaving is gone; make a new witness\n"
		" *    3  the program went another way, by another line or to no end; said is where\n"
		" *   77  this machine cannot run it\n"
		" * Lines may move, and others come between. The sources are looked for where they were compiled; "
		"ONCEPROOF_SOURCES names\n"
		" * another folder. Made with %s by `onceproof witness --c ",
		source->tried);
	remark(out, source->path, 300);
	fputs("`. */\n\n", out);
}

/* White space does not count. The same function is in forced/lines.c. */
static uint32_t hash_of(const char *text)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (; *text; text++)
		if (!strchr(" \t\r\n\f", *text))
			hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

static int write_lines(const char *file, size_t number, size_t *count, FILE *out)
{
	FILE *in = fopen(file, "re");
	char *line = NULL;
	size_t room = 0;
	*count = 0;
	if (!in) {
		complain("%s: %s", file, strerror(errno));
		return EXIT_USAGE;
	}
	fprintf(out, "static const unsigned lines_%zu[] = {", number);
	while (getline(&line, &room, in) >= 0)
		fprintf(out, "%s0x%x,", (*count)++ % 10 ? " " : "\n\t", hash_of(line));
	fputs("\n};\n", out);
	free(line);
	fclose(in);
	return 0;
}

static bool named_before(const struct forced_plan *plan, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(plan->places[i].file, plan->places[at].file) == 0)
			return true;
	return false;
}

static int write_files(const struct forced_plan *plan, FILE *out)
{
	char *table = NULL;
	size_t bytes, count;
	int status = 0;
	FILE *rows = open_memstream(&table, &bytes);
	if (!rows)
		return EXIT_USAGE;
	for (size_t i = 0, number = 0; i < plan->place_count && !status; i++)
		if (!named_before(plan, i)) {
			status = write_lines(plan->places[i].file, number, &count, out);
			fputs("\t{", rows);
			literal(rows, plan->places[i].file);
			fprintf(rows, ", %zu, lines_%zu},\n", count, number++);
		}
	fclose(rows);
	fprintf(out, "static const struct kept_file files[] = {\n%s};\n\n", table);
	free(table);
	return status;
}

static void write_points(const struct forced_plan *plan, FILE *out)
{
	static const char *const whats[] = {"0", "READS", "WRITES", "READS | WRITES", "CALLS", "0", "0", "ANY"};
	fputs("static const struct place places[] = {\n", out);
	for (size_t i = 0; i < plan->place_count; i++) {
		fputs("\t{", out);
		literal(out, plan->places[i].file);
		fprintf(out, ", %d, ", plan->places[i].line);
		literal(out, plan->places[i].function);
		fputs(", ", out);
		literal(out, plan->places[i].text);
		fputs("},\n", out);
	}
	fputs("};\n\n/* thread, place, what it does there, for which time, how old a value it reads, does it stay behind it "
	      "*/\nstatic const struct "
	      "point points[] = {\n",
		out);
	for (size_t i = 0; i < plan->point_count; i++) {
		const struct forced_point *it = &plan->points[i];
		fprintf(out, "\t{%d, %d, %s, ", it->thread, it->place, whats[it->what & 7]);
		literal(out, it->operation);
		fprintf(out, ", %u, %u, %d},\n", it->nth, it->stale, it->parks);
	}
	fputs("};\n\nstatic const struct creator creators[] = {\n", out);
	for (int i = 0; i < plan->threads; i++)
		fprintf(out, "\t{%d, %d},\n", i ? plan->parent[i] : -1, plan->nth[i]);
	fputs("};\n", out);
}

static void write_rest(const struct forced_source *source, const struct forced_plan *plan, FILE *out)
{
	char again[512];
	snprintf(again, sizeof again, "onceproof check %s", node_string(source->witness, "subject"));
	fputs("static const char witness_name[] = ", out);
	literal(out, node_string(source->witness, "subject"));
	fputs(";\nstatic const char witness_again[] = ", out);
	literal(out, again);
	fputs(";\nstatic const char *const arguments[] = {", out);
	for (size_t i = 0; i < source->argument_count; i++) {
		literal(out, source->arguments[i]);
		fputs(", ", out);
	}
	fputs("NULL};\nstatic const char *const input_file = ", out);
	if (source->input)
		literal(out, source->input);
	else
		fputs("NULL", out);
	fprintf(out,
		";\nstatic const int race_places[] = {%d, %d, -1};\n"
		"enum { stale_points = %u, watches_races = %d, watches_heap = %d, watches_stacks = %d, fails = %d, good_status = "
		"0 };\n"
		"#define WATCHES_HEAP %d\n\n",
		plan->races[0], plan->races[1], plan->stale, plan->races[0] >= 0, forced_watches_heap(source), plan->stacks,
		plan->fails, forced_watches_heap(source));
}

/* A piece without its first line, the licence: the head has that. */
static const char *piece(const char *text)
{
	return strchr(text, '\n') + 1;
}

int forced_test_write(const struct forced_source *source, const struct forced_plan *plan, FILE *out)
{
	const char *const turnstile[] = {
		forced_lines, forced_turns, forced_order, forced_callbacks, forced_threads, forced_locks, forced_judge};
	write_head(source, out);
	fputs(piece(forced_head), out);
	int status = write_files(plan, out);
	if (status)
		return status;
	write_points(plan, out);
	write_rest(source, plan, out);
	for (size_t i = 0; i < sizeof turnstile / sizeof *turnstile; i++)
		fputs(piece(turnstile[i]), out);
	return 0;
}
