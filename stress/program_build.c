/* SPDX-License-Identifier: MIT */
#include "program_build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../impl/support/say.h"
#include "child.h"
#include "program_parts.h"

enum { TOOL_TIMEOUT_S = 300, TOOL_OUTPUT_BYTES = 1 << 20, ERRORS_SHOWN = 10, STALE_S = 60 };

/* Before the user's flags, so that those win … */
static const char *const first_flags[] = {"-O1", "-g", NULL};
/* … and behind them: what the runtime relies on. See cmake/parts.cmake for the first line. No red zone: reports can be put before inline
 * assembly. Unwind tables mark functions. Stack probes: a large frame meets the guard page instead of jumping over it. No tail calls: a call returns to the line that made it. */
static const char *const last_flags[] = {"-fsanitize=thread", "-fno-omit-frame-pointer", "-fno-builtin", "-mno-red-zone",
	"-fasynchronous-unwind-tables", "-fstack-clash-protection", "-fno-optimize-sibling-calls", "-fno-common", "-fno-lto",
	"-fno-pie", "-U_FORTIFY_SOURCE", NULL};
static const char *const gcc_flags[] = {"--param", "tsan-distinguish-volatile=1", "-fno-ipa-reference", "-Wno-tsan", NULL};
static const char *const clang_flags[] = {"-mllvm", "-tsan-instrument-read-before-write=1", "-mllvm",
	"-tsan-distinguish-volatile=1", "-Wno-unused-command-line-argument", NULL};

struct build {
	char *const *files;
	size_t file_count;
	const char *folder, *helpers;
	int verbosity;
	bool clang;
	struct words compiler;
	struct program_flags flags;
	struct words taken, harmless;
	struct words isolated; /* called as they are, in executions that are processes of their own */
	struct words pieces;   /* inline assembly that reports */
	struct words notes;    /* what cannot report: named in any case */
	struct program_object object;
};

/* The temporary folder -------------------------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
	(void)info;
	(void)at;
	(kind == FTW_DP ? rmdir : unlink)(path);
	return 0;
}

/* With what a program that was killed has written in it. */
static void remove_folder(const char *folder)
{
	nftw(folder, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

/* Folders whose owner was killed: nobody holds their lock any more. A young one may not have been locked yet. */
static void remove_stale(const char *where)
{
	DIR *listing = opendir(where);
	for (struct dirent *entry; listing && (entry = readdir(listing)) != NULL;) {
		if (strncmp(entry->d_name, "onceproof-explore-", 18) != 0)
			continue;
		struct words path = {0};
		words_add(&path, "%s/%s", where, entry->d_name);
		words_add(&path, "%s/%s/lock", where, entry->d_name);
		struct stat info;
		int fd = open(path.at[1], O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && fstat(fd, &info) == 0 && info.st_uid == geteuid() && time(NULL) - info.st_mtime > STALE_S &&
			flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_folder(path.at[0]);
		if (fd >= 0)
			close(fd);
		words_free(&path);
	}
	if (listing)
		closedir(listing);
}

static char *open_folder[16]; /* still to be removed when the process ends; owned by their struct program_build */

static void remove_all(void)
{
	for (size_t i = 0; i < sizeof open_folder / sizeof *open_folder; i++)
		if (open_folder[i])
			remove_folder(open_folder[i]);
}

static int make_folder(struct program_build *built)
{
	const char *where = getenv("TMPDIR");
	if (!where || !*where)
		where = "/tmp";
	remove_stale(where);
	if (asprintf(&built->folder, "%s/onceproof-explore-XXXXXX", where) < 0)
		built->folder = NULL;
	if (!built->folder || !mkdtemp(built->folder)) {
		complain("%s: a temporary folder cannot be made: %s; set TMPDIR to a folder with room", where, strerror(errno));
		free(built->folder);
		built->folder = NULL;
		return EXIT_USAGE;
	}
	static bool registered;
	if (!registered)
		atexit(remove_all);
	registered = true;
	for (size_t i = 0; i < sizeof open_folder / sizeof *open_folder; i++)
		if (!open_folder[i]) {
			open_folder[i] = built->folder;
			break;
		}
	struct words path = {0};
	words_add(&path, "%s/lock", built->folder);
	/* Held, and the descriptor left open, until the process ends. */
	int fd = open(path.at[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		flock(fd, LOCK_EX | LOCK_NB);
	words_free(&path);
	return 0;
}

void program_build_close(struct program_build *built)
{
	for (size_t i = 0; built->folder && i < sizeof open_folder / sizeof *open_folder; i++)
		if (open_folder[i] == built->folder)
			open_folder[i] = NULL;
	if (built->folder)
		remove_folder(built->folder);
	free(built->folder);
	free(built->program);
	*built = (struct program_build){0};
}

/* Tools ------------------------------------------------------------------------------------------------------------------------------ */

static void show_line(const char *line, size_t length)
{
	fputs("  ", stderr);
	for (size_t i = 0; i < length; i++)
		fputc((unsigned char)line[i] < ' ' && line[i] != '\t' ? '?' : line[i], stderr);
	fputc('\n', stderr);
}

static bool says_error(const char *line, size_t length)
{
	static const char *const marks[] = {"error", "undefined reference", "multiple definition", "cannot find"};
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (memmem(line, length, marks[i], strlen(marks[i])))
			return true;
	return false;
}

/* The first lines that say what is wrong; all first lines if none does. */
static void show_errors(const char *text)
{
	for (int any = 0, shown = 0; any < 2 && !shown; any++)
		for (const char *line = text; *line && shown < ERRORS_SHOWN;) {
			size_t length = strcspn(line, "\n");
			if (length && (any || says_error(line, length))) {
				show_line(line, length);
				shown++;
			}
			line += length + (line[length] == '\n');
		}
}

/* Runs a tool. SUBJECT and FAILED make the complaint: "a.c: does not compile". */
static int run_tool(struct build *b, struct words *words, const char *subject, const char *failed)
{
	struct child_options options = {.argv = words->at, .timeout_s = TOOL_TIMEOUT_S, .output_max = TOOL_OUTPUT_BYTES};
	struct child_result result;
	if (b->verbosity > 0) {
		fputs("onceproof:", stderr);
		for (size_t i = 0; i < words->count; i++)
			fprintf(stderr, " %s", words->at[i]);
		fputc('\n', stderr);
	}
	int why = child_run(&options, &result), status = 0;
	if (why) {
		complain("%s: cannot be run: %s; is it installed? (CC names another compiler)", words->at[0], strerror(why));
		return EXIT_USAGE;
	}
	if (result.interrupted || result.timed_out) {
		complain(
			"%s: %s", subject, result.interrupted ? "interrupted while it was built" : "the compiler takes too long");
		status = EXIT_USAGE;
	} else if (result.status != 0) {
		complain("%s: %s:", subject, failed);
		show_errors(result.err);
		status = EXIT_USAGE;
	}
	child_free(&result);
	return status;
}

static void add_all(struct words *words, const char *const *more)
{
	for (; *more; more++)
		words_add(words, "%s", *more);
}

/* The compiler: CC, else the one that built onceproof. */
static int find_compiler(struct build *b)
{
	const char *given = getenv("CC");
	if (!given || !given[strspn(given, " ")])
		given = ONCEPROOF_CC;
	for (const char *at = given + strspn(given, " "); *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");
		words_add(&b->compiler, "%.*s", (int)length, at);
		at += length;
	}
	struct words words = {0};
	words_append(&words, &b->compiler);
	words_add(&words, "--version");
	struct child_options options = {.argv = words.at, .timeout_s = TOOL_TIMEOUT_S, .output_max = TOOL_OUTPUT_BYTES};
	struct child_result result;
	int why = child_run(&options, &result);
	if (why) {
		complain("%s: cannot be run: %s; CC names the compiler", words.at[0], strerror(why));
	} else {
		b->clang = strstr(result.out, "clang") != NULL;
		child_free(&result);
	}
	words_free(&words);
	return why ? EXIT_USAGE : 0;
}

/* Lists ------------------------------------------------------------------------------------------------------------------------------ */

/* The first word of each line of a file among the helpers; lines that begin with '#' are remarks. */
static int read_list(struct build *b, const char *name, struct words *list)
{
	struct words path = {0};
	words_add(&path, "%s/%s", b->helpers, name);
	FILE *file = fopen(path.at[0], "re");
	if (!file) {
		complain("%s: %s; is onceproof installed completely?", path.at[0], strerror(errno));
		words_free(&path);
		return EXIT_USAGE;
	}
	char *line = NULL;
	size_t room = 0;
	while (getline(&line, &room, file) > 0) {
		size_t length = strcspn(line, " \t\n");
		if (length && line[0] != '#')
			words_add(list, "%.*s", (int)length, line);
	}
	free(line);
	fclose(file);
	words_free(&path);
	return 0;
}

/* Steps ------------------------------------------------------------------------------------------------------------------------------ */

static int compile(struct build *b, size_t i)
{
	const char *file = b->files[i];
	size_t length = strlen(file);
	if (length < 3 || strcmp(file + length - 2, ".c") != 0) {
		complain("%s: only C files are explored", file);
		return EXIT_USAGE;
	}
	if (access(file, R_OK) != 0) {
		complain("%s: %s", file, strerror(errno));
		return EXIT_USAGE;
	}
	struct words words = {0}, paths = {0};
	words_add(&paths, "%s/%zu.c.s", b->folder, i);
	words_add(&paths, "%s/%zu.s", b->folder, i);
	words_append(&words, &b->compiler);
	add_all(&words, first_flags);
	words_append(&words, &b->flags.compile);
	add_all(&words, last_flags);
	add_all(&words, b->clang ? clang_flags : gcc_flags);
	words_add(&words, "-S");
	/* A name that begins with '-' is a file all the same. */
	words_add(&words, "%s%s", file[0] == '-' ? "./" : "", file);
	words_add(&words, "-o");
	words_add(&words, "%s", paths.at[0]);
	int status = run_tool(b, &words, file, "does not compile");
	if (!status) {
		int why = program_assembly(paths.at[0], paths.at[1], file, &b->pieces, &b->notes);
		if (why) {
			complain("%s: its assembly cannot be looked through: %s", file, strerror(why));
			status = EXIT_USAGE;
		}
	}
	words_free(&words);
	if (!status) {
		words_append(&words, &b->compiler);
		words_add(&words, "-c");
		words_add(&words, "%s", paths.at[1]);
		words_add(&words, "-o");
		words_add(&words, "%s/%zu.o", b->folder, i);
		status = run_tool(b, &words, file, "its assembly cannot be assembled");
	}
	words_free(&words);
	words_free(&paths);
	return status;
}

/* Each object must have been instrumented; then all become one. */
static int join(struct build *b)
{
	struct words words = {0};
	int status = 0;
	words_add(&words, "ld");
	words_add(&words, "-r");
	words_add(&words, "-o");
	words_add(&words, "%s/joined.o", b->folder);
	for (size_t i = 0; i < b->file_count; i++)
		words_add(&words, "%s/%zu.o", b->folder, i);
	status = run_tool(b, &words, b->files[0], "does not link");
	char why[256];
	if (!status && program_object(words.at[3], &b->object, why, sizeof why) != 0) {
		complain("%s: the compiled program cannot be read: %s", b->files[0], why);
		status = EXIT_USAGE;
	} else if (!status && !words_have(&b->object.defined, "main")) {
		complain("%s: there is no main: the explorer needs a whole program (scenarios of implementations are explored by "
			 "filter)",
			b->files[0]);
		status = EXIT_USAGE;
	} else if (!status && !b->object.instrumented) {
		complain("%s: was compiled without instrumentation; does a flag or an attribute switch -fsanitize=thread off?",
			b->files[0]);
		status = EXIT_USAGE;
	}
	words_free(&words);
	return status;
}

static FILE *create(struct build *b, const char *name)
{
	struct words path = {0};
	words_add(&path, "%s/%s", b->folder, name);
	FILE *file = fopen(path.at[0], "we");
	if (!file)
		complain("%s: cannot be written: %s", path.at[0], strerror(errno));
	words_free(&path);
	return file;
}

static int finish(FILE *file, const char *name)
{
	bool failed = ferror(file) != 0;
	failed |= fclose(file) != 0;
	if (failed)
		complain("%s: cannot be written into the temporary folder: %s; set TMPDIR to a folder with room", name,
			strerror(errno));
	return failed ? EXIT_USAGE : 0;
}

/* Is NAME neither taken over nor harmless, nor the compiler's own? */
static bool leaves(const struct build *b, const char *name)
{
	return strncmp(name, "explored_asm_", 13) != 0 && !words_have(&b->taken, name) && !words_have(&b->harmless, name);
}

/* The new names: those taken over, unless the program has its own function of that name, and those that report. */
static int write_names(struct build *b)
{
	FILE *file = create(b, "names");
	if (!file)
		return EXIT_USAGE;
	fprintf(file, "main explored_main\n");
	for (size_t i = 0; i < b->taken.count; i++)
		if (!words_have(&b->object.defined, b->taken.at[i]) && strcmp(b->taken.at[i], "main") != 0)
			fprintf(file, "%s explored_%s\n", b->taken.at[i], b->taken.at[i]);
	for (size_t i = 0; i < b->object.called.count; i++)
		if (leaves(b, b->object.called.at[i]))
			fprintf(file, "%s explored_call_%s\n", b->object.called.at[i], b->object.called.at[i]);
	return finish(file, "names");
}

static void write_text(FILE *file, const char *text)
{
	fputs("\t.asciz\t\"", file);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', file);
		fputc((unsigned char)*text < ' ' ? ' ' : *text, file);
	}
	fputs("\"\n", file);
}

/* The stub of a report: the name goes to explored_note_call (process.c) in %r11, which a caller expects to be lost; everything else stays
 * as it is. A call then goes on to the function, inline assembly follows its stub. */
static void write_stub(FILE *file, const char *name, const char *text, const char *go_on)
{
	fprintf(file, "\t.text\n\t.globl %s\n\t.type %s, @function\n%s:\n", name, name, name);
	if (!go_on)
		fputs("\tpushq %r11\n", file);
	fputs("\tleaq 1f(%rip), %r11\n\tcall explored_note_call\n", file);
	if (go_on)
		fprintf(file, "\tjmp %s@PLT\n", go_on);
	else
		fputs("\tpopq %r11\n\tret\n", file);
	fprintf(file, "\t.size %s, . - %s\n\t.section .rodata\n1:\n", name, name);
	write_text(file, text);
}

/* Where the static data lies: the linker knows the ends of sections whose names are identifiers. */
static void write_range(FILE *file, const char *section)
{
	fprintf(file, "\t.weak __start_%s, __stop_%s\n\t.quad __start_%s, __stop_%s\n", section, section, section, section);
}

/* Tables of functions, one section after the other. */
static void write_tables(FILE *file, const char *name, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char section[64];
		snprintf(section, sizeof section, "%s_%zu", name, i);
		write_range(file, section);
	}
	fputs("\t.quad -1, -1\n", file);
}

static bool is_identifier(const char *name)
{
	for (const char *at = name; *at; at++)
		if (!(*at == '_' || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
			    (at > name && *at >= '0' && *at <= '9')))
			return false;
	return *name != '\0';
}

/* What the runner wants to know of this program: stubs, ranges of static data, notes. */
static int write_stubs(struct build *b)
{
	FILE *file = create(b, "stubs.s");
	if (!file)
		return EXIT_USAGE;
	for (size_t i = 0; i < b->object.called.count; i++) {
		const char *name = b->object.called.at[i];
		struct words stub = {0};
		words_add(&stub, "explored_call_%s", name);
		/* '+': see process_note_call. */
		words_add(&stub, "%s%s", words_have(&b->isolated, name) ? "+" : "", name);
		if (leaves(b, name))
			write_stub(file, stub.at[0], stub.at[1], name);
		words_free(&stub);
	}
	for (size_t i = 0; i < b->pieces.count; i++) {
		char name[64];
		snprintf(name, sizeof name, "explored_asm_%zu", i);
		write_stub(file, name, b->pieces.at[i], NULL);
	}
	fputs("\t.section .rodata\n\t.p2align 3\n\t.globl explored_ranges, explored_begins, explored_ends, explored_code, "
	      "explored_notes\n",
		file);
	fputs("explored_ranges:\n", file);
	write_range(file, "explored_data");
	write_range(file, "explored_bss");
	for (int bss = 0; bss < 2; bss++) {
		const struct words *sections = bss ? &b->object.bss : &b->object.data;
		for (size_t i = 0; i < sections->count; i++)
			if (is_identifier(sections->at[i]))
				write_range(file, sections->at[i]);
	}
	fputs("\t.quad -1, -1\nexplored_begins:\n", file);
	write_tables(file, "explored_begins", b->object.begins.count);
	fputs("explored_ends:\n", file);
	write_tables(file, "explored_ends", b->object.ends.count);
	fputs("explored_code:\n", file);
	write_range(file, "explored_text");
	fputs("explored_notes:\n", file);
	for (size_t i = 0; i < b->object.mentioned.count; i++)
		if (leaves(b, b->object.mentioned.at[i]))
			write_text(file, b->object.mentioned.at[i]);
	for (size_t i = 0; i < b->notes.count; i++)
		write_text(file, b->notes.at[i]);
	fputs("\t.byte 0\n\t.section .note.GNU-stack,\"\",@progbits\n", file);
	return finish(file, "stubs.s");
}

static void rename_sections(struct words *words, const struct words *sections, const char *to)
{
	for (size_t i = 0; i < sections->count; i++) {
		if (is_identifier(sections->at[i]))
			continue;
		words_add(words, "--rename-section");
		words_add(words, "%s=%s", sections->at[i], to);
	}
}

/* Constructors and destructors run in each execution, not in the process that explores. */
static void rename_tables(struct words *words, const struct words *sections, const char *to)
{
	for (size_t i = 0; i < sections->count; i++) {
		words_add(words, "--rename-section");
		words_add(words, "%s=%s_%zu,alloc,load,data,contents", sections->at[i], to, i);
	}
}

static int rename_all(struct build *b)
{
	struct words words = {0};
	words_add(&words, "objcopy");
	words_add(&words, "--redefine-syms=%s/names", b->folder);
	/* Nothing else shares a granule of the undo log with the program's data. */
	words_add(&words, "--set-section-alignment");
	words_add(&words, ".data=64");
	words_add(&words, "--set-section-alignment");
	words_add(&words, ".bss=64");
	rename_sections(&words, &b->object.data, "explored_data");
	rename_sections(&words, &b->object.bss, "explored_bss");
	rename_sections(&words, &b->object.code, "explored_text");
	rename_tables(&words, &b->object.begins, "explored_begins");
	rename_tables(&words, &b->object.ends, "explored_ends");
	words_add(&words, "%s/joined.o", b->folder);
	words_add(&words, "%s/renamed.o", b->folder);
	int status = run_tool(b, &words, b->files[0], "its names cannot be changed");
	words_free(&words);
	/* Objects of the user's own may need the program's names. */
	if (!status && !b->flags.objects) {
		words_add(&words, "objcopy");
		words_add(&words, "--keep-global-symbol=explored_main");
		words_add(&words, "%s/renamed.o", b->folder);
		status = run_tool(b, &words, b->files[0], "its names cannot be made local");
		words_free(&words);
	}
	return status;
}

static int link_program(struct build *b, struct program_build *built)
{
	struct words words = {0}, libraries = {0};
	int status = read_list(b, "explore_program.link", &libraries);
	words_append(&words, &b->compiler);
	words_add(&words, "-no-pie");
	words_add(&words, "-o");
	words_add(&words, "%s/program", b->folder);
	words_add(&words, "%s/renamed.o", b->folder);
	words_add(&words, "%s/stubs.s", b->folder);
	words_add(&words, "%s/explore_program.o", b->helpers);
	words_append(&words, &b->flags.link);
	words_append(&words, &libraries);
	if (!status)
		status = run_tool(b, &words, b->files[0], "does not link");
	if (!status)
		built->program = strdup(words.at[b->compiler.count + 2]);
	words_free(&words);
	words_free(&libraries);
	return status;
}

static int build_all(struct build *b, struct program_build *built)
{
	int status = read_list(b, "explore_taken.syms", &b->taken);
	if (!status)
		status = read_list(b, "explore_harmless.txt", &b->harmless);
	if (!status)
		status = read_list(b, "explore_isolated.txt", &b->isolated);
	if (!status)
		status = find_compiler(b);
	for (size_t i = 0; i < b->file_count && !status; i++)
		status = compile(b, i);
	int (*const steps[])(struct build *) = {join, write_names, write_stubs, rename_all};
	for (size_t i = 0; i < sizeof steps / sizeof *steps && !status; i++)
		status = steps[i](b);
	return status ? status : link_program(b, built);
}

int program_build(char *const *files, size_t file_count, char *const *flags, size_t flag_count, const char *helpers,
	int verbosity, struct program_build *built)
{
	*built = (struct program_build){0};
	struct build b = {.files = files, .file_count = file_count, .helpers = helpers, .verbosity = verbosity};
	int status = program_flags(flags, flag_count, &b.flags);
	if (!status)
		status = make_folder(built);
	b.folder = built->folder;
	if (!status)
		status = build_all(&b, built);
	words_free(&b.compiler);
	words_free(&b.flags.compile);
	words_free(&b.flags.link);
	words_free(&b.taken);
	words_free(&b.harmless);
	words_free(&b.isolated);
	words_free(&b.pieces);
	words_free(&b.notes);
	program_object_free(&b.object);
	if (status)
		program_build_close(built);
	return status;
}
