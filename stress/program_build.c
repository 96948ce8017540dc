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
#include "demangle.h"
#include "program_parts.h"

static void add_all(struct words *words, const char *const *more)
{
	for (; *more; more++)
		words_add(words, "%s", *more);
}

/* Before the user's flags, so that those win … */
static const char *const first_flags[] = {"-O1", "-g", NULL};
static const char *const shared_first_flags[] = {"-O2", "-g", NULL};
/* … and behind them: what the runtime relies on. See cmake/parts.cmake for the first line. No red zone: reports can be put before inline
 * assembly. Unwind tables mark functions. Stack probes: a large frame meets the guard page instead of jumping over it. No tail calls: a call returns to the line that made it. */
static const char *const last_flags[] = {"-fsanitize=thread", "-fno-omit-frame-pointer", "-fno-builtin", "-mno-red-zone",
	"-fasynchronous-unwind-tables", "-fstack-clash-protection", "-fno-optimize-sibling-calls", "-fno-common", "-fno-lto",
	"-fno-pie", "-U_FORTIFY_SOURCE", NULL};
/* An access stays in its line: moved out of a loop it would be told at the loop's head. */
static const char *const gcc_flags[] = {
	"--param", "tsan-distinguish-volatile=1", "-fno-ipa-reference", "-fno-tree-loop-im", "-Wno-tsan", NULL};
/* clang leaves out accesses to local variables of which other threads do not know; but what it asks is whether the address of the member is
 * given away, not that of the variable (seen with 14). With no use to look at it takes all addresses for given away.
 * And accesses stay in their lines, as gcc's. */
#define CLANG_ACCESSES "-mllvm", "-capture-tracking-max-uses-to-explore=0", "-mllvm", "-disable-licm-promotion"
static const char *const clang_flags[] = {"-mllvm", "-tsan-instrument-read-before-write=1", "-mllvm",
	"-tsan-distinguish-volatile=1", CLANG_ACCESSES, "-Wno-unused-command-line-argument", NULL};

struct build {
	const struct program_source *source;
	const char *folder;
	struct program_compiler c, cxx; /* found when first needed */
	struct program_flags flags;
	struct words taken, harmless;
	struct words isolated; /* called as they are, in executions that are processes of their own */
	struct words pieces;   /* inline assembly that reports */
	struct words notes;    /* what cannot report: named in any case */
	struct program_object object;
	bool has_cxx;
	struct program_object whole; /* C++: with what it uses of its library */
	struct words library;        /* what the library may call as it is */
	struct program_covered covered;
	struct words named;   /* functions that are named when the program calls them … */
	struct words objects; /* … and those whose object is used, unseen */
};

/* Lists ------------------------------------------------------------------------------------------------------------------------------ */

/* The first word of each line of a file among the helpers; lines that begin with '#' are remarks. */
static int read_list(struct build *b, const char *name, struct words *list)
{
	struct words path = {0};
	words_add(&path, "%s/%s", b->source->helpers, name);
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

/* The compiler of files in C or in C++; NULL after a complaint. */
static const struct program_compiler *compiler_of(struct build *b, bool cxx)
{
	struct program_compiler *compiler = cxx ? &b->cxx : &b->c;
	if (!compiler->words.count && program_compiler(b->source->compiler, cxx, compiler) != 0)
		return NULL;
	return compiler;
}

/* The flags of one file's own. */
static int add_unit(const struct build *b, size_t i, struct words *words)
{
	struct program_flags flags = {0};
	if (!b->source->units)
		return 0;
	int status = program_flags(b->source->units[i].flags, b->source->units[i].flag_count, &flags);
	words_append(words, &flags.compile);
	words_free(&flags.compile);
	words_free(&flags.link);
	return status;
}

static const char *folder_of(const struct build *b, size_t i)
{
	return b->source->units ? b->source->units[i].folder : NULL;
}

static int compile(struct build *b, size_t i)
{
	const char *file = b->source->files[i];
	int status = program_check_file(file);
	const struct program_compiler *compiler = status ? NULL : compiler_of(b, program_is_cxx(file));
	if (!compiler)
		return EXIT_USAGE;
	struct words words = {0}, paths = {0};
	words_add(&paths, "%s/%zu.c.s", b->folder, i);
	words_add(&paths, "%s/%zu.s", b->folder, i);
	words_append(&words, &compiler->words);
	add_all(&words, first_flags);
	words_append(&words, &b->flags.compile);
	if (add_unit(b, i, &words) != 0) {
		words_free(&words);
		return EXIT_USAGE;
	}
	add_all(&words, last_flags);
	add_all(&words, compiler->clang ? clang_flags : gcc_flags);
	if (b->source->optimise)
		words_add(&words, "%s", b->source->optimise);
	program_includes(file, b->source->helpers, &words);
	if (program_is_cxx(file)) {
		words_add(&words, "-include");
		words_add(&words, "%s/explore_cxx.h", b->source->helpers);
	}
	words_add(&words, "-S");
	program_add_file(&words, file);
	words_add(&words, "-o");
	words_add(&words, "%s", paths.at[0]);
	status = program_tool_in(folder_of(b, i), &words, file, "does not compile", b->source->verbosity);
	if (!status) {
		int why = program_assembly(paths.at[0], paths.at[1], file, &b->pieces, &b->notes);
		if (why) {
			complain("%s: its assembly cannot be looked through: %s", file, strerror(why));
			status = EXIT_USAGE;
		}
	}
	words_free(&words);
	if (!status) {
		words_append(&words, &compiler->words);
		words_add(&words, "-c");
		words_add(&words, "%s", paths.at[1]);
		words_add(&words, "-o");
		words_add(&words, "%s/%zu.o", b->folder, i);
		status = program_tool(&words, file, "its assembly cannot be assembled", b->source->verbosity);
	}
	words_free(&words);
	words_free(&paths);
	return status;
}

/* What a host needs of its parts: the exported descriptor, and all functions of the family. */
static int check_parts(const struct build *b, const struct program_object *object)
{
	const struct program_host *host = b->source->host;
	const struct words *const wanted[] = {&object->called, &object->mentioned};
	size_t length = strlen(host->family);
	for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++)
		for (size_t i = 0; i < wanted[w]->count; i++) {
			const char *name = wanted[w]->at[i];
			if (strncmp(name, host->family, length) != 0 || name[length] != '_' ||
				strcmp(name, "initialiser_linked_loader") == 0 || words_have(&object->defined, name))
				continue;
			complain("%s: there is no %s(): every %s has it, as %s.h says", b->source->files[0], name, host->family,
				host->family);
			return EXIT_USAGE;
		}
	if (words_have(&object->defined, host->symbol))
		return 0;
	complain("%s: its export line does not define %s: is it the last line, behind #include \"%s_export.h\"?",
		b->source->files[0], host->symbol, host->family);
	return EXIT_USAGE;
}

/* The same before other flavours are linked. */
static int check_plain_parts(const struct build *b)
{
	struct program_object all = {0};
	int status = 0;
	char why[256];
	for (size_t i = 0; i < b->source->file_count && !status; i++) {
		struct words path = {0};
		words_add(&path, "%s/%zu.o", b->folder, i);
		if (program_object(path.at[0], &all, why, sizeof why) != 0) {
			complain("%s: the compiled file cannot be read: %s", b->source->files[i], why);
			status = EXIT_USAGE;
		}
		words_free(&path);
	}
	if (!status)
		status = check_parts(b, &all);
	program_object_free(&all);
	return status;
}

/* Compiles the host's own C file into the folder, and adds it to the words of the linker. */
static int add_further(struct build *b, struct words *link, const char *option, bool worker)
{
	struct words words = {0};
	const struct program_compiler *compiler = compiler_of(b, false);
	if (!compiler)
		return EXIT_USAGE;
	words_append(&words, &compiler->words);
	words_add(&words, "%s", option);
	if (worker)
		words_add(&words, "-DONCEPROOF_WORKER");
	words_add(&words, "-I");
	words_add(&words, "%s/include", b->source->helpers);
	words_add(&words, "-c");
	words_add(&words, "%s", b->source->host->further);
	words_add(&words, "-o");
	words_add(&words, "%s/further.o", b->folder);
	int status = program_tool(
		&words, b->source->files[0], "its place among the implementations cannot be compiled", b->source->verbosity);
	words_add(link, "%s/further.o", b->folder);
	words_free(&words);
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
	for (size_t i = 0; i < b->source->file_count; i++)
		words_add(&words, "%s/%zu.o", b->folder, i);
	status = program_tool(&words, b->source->files[0], "does not link", b->source->verbosity);
	char why[256];
	if (!status && program_object(words.at[3], &b->object, why, sizeof why) != 0) {
		complain("%s: the compiled program cannot be read: %s", b->source->files[0], why);
		status = EXIT_USAGE;
	} else if (!status && b->source->host && check_parts(b, &b->object) != 0) {
		status = EXIT_USAGE;
	} else if (!status && !b->source->host && !words_have(&b->object.defined, "main")) {
		complain("%s: there is no main: the explorer needs a whole program (scenarios of implementations are explored by "
			 "filter)",
			b->source->files[0]);
		status = EXIT_USAGE;
	} else if (!status && !b->object.instrumented) {
		complain("%s: was compiled without instrumentation; does a flag or an attribute switch -fsanitize=thread off?",
			b->source->files[0]);
		status = EXIT_USAGE;
	}
	words_free(&words);
	return status;
}

/* Does the program look at files? Then what it does depends on more than its text. */
static bool reads_files(const struct words *called)
{
	static const char *const names[] = {"fopen", "fopen64", "freopen", "open", "open64", "openat", "openat64", "opendir",
		"scandir", "stat", "stat64", "lstat", "fstatat", "access", "faccessat", "readlink", "realpath", "glob", "nftw",
		"getcwd", "dlopen", "getenv", "secure_getenv",
		"_ZNSt13basic_filebufIcSt11char_traitsIcEE4openEPKcSt13_Ios_Openmode",
		"_ZNSt14basic_ifstreamIcSt11char_traitsIcEEC1EPKcSt13_Ios_Openmode"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (words_have(called, names[i]))
			return true;
	return false;
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
	/* The ends of its sections are the linker's doing. */
	if (strncmp(name, "__start_", 8) == 0 || strncmp(name, "__stop_", 7) == 0)
		return false;
	bool by_library = b->has_cxx && !words_have(&b->object.called, name);
	if (by_library &&
		(strncmp(name, "explored_", 9) == 0 || words_have(&b->library, name) || words_have(&b->whole.weak, name)))
		return false;
	return strncmp(name, "explored_asm_", 13) != 0 && !words_have(&b->taken, name) && !words_have(&b->harmless, name);
}

/* What the program calls, and its library for it. */
static const struct words *called_by(const struct build *b)
{
	return b->has_cxx ? &b->whole.called : &b->object.called;
}

/* The new names: those taken over, unless the program has its own function of that name, and those that report. */
static int write_names(struct build *b)
{
	FILE *file = create(b, "names");
	if (!file)
		return EXIT_USAGE;
	if (!b->source->host)
		fprintf(file, "main explored_main\n");
	for (size_t i = 0; i < b->taken.count; i++)
		if (!words_have(&b->object.defined, b->taken.at[i]) && strcmp(b->taken.at[i], "main") != 0)
			fprintf(file, "%s explored_%s\n", b->taken.at[i], b->taken.at[i]);
	const struct words *called = called_by(b);
	for (size_t i = 0; i < called->count; i++)
		if (leaves(b, called->at[i]))
			fprintf(file, "%s explored_call_%s\n", called->at[i], called->at[i]);
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

/* Of functions of C++: see rename_call(). */
static void write_cxx_stubs(const struct build *b, FILE *file)
{
	for (size_t i = 0; i < b->named.count; i++) {
		struct words stub = {0};
		char text[256];
		demangle(b->named.at[i], text, sizeof text);
		words_add(&stub, "explored_call_%s", b->named.at[i]);
		write_stub(file, stub.at[0], text, b->named.at[i]);
		words_free(&stub);
	}
	for (size_t i = 0; i < b->objects.count; i++) {
		const char *name = b->objects.at[i];
		fprintf(file,
			"\t.text\n\t.globl explored_object_%s\n\t.type explored_object_%s, @function\nexplored_object_%s:\n"
			"\tmovl $%d, %%r11d\n\tcall explored_note_object\n\tjmp %s@PLT\n"
			"\t.size explored_object_%s, . - explored_object_%s\n",
			name, name, name, program_call(&b->covered, name) == CALL_CHANGES, name, name, name);
	}
}

/* What the runner wants to know of this program: stubs, ranges of static data, notes. */
static int write_stubs(struct build *b)
{
	FILE *file = create(b, "stubs.s");
	if (!file)
		return EXIT_USAGE;
	const struct words *called = called_by(b);
	for (size_t i = 0; i < called->count; i++) {
		const char *name = called->at[i];
		struct words stub = {0};
		words_add(&stub, "explored_call_%s", name);
		/* '+': see process_note_call. */
		words_add(&stub, "%s%s", words_have(&b->isolated, name) ? "+" : "", name);
		if (leaves(b, name))
			write_stub(file, stub.at[0], stub.at[1], name);
		words_free(&stub);
	}
	write_cxx_stubs(b, file);
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
	if (b->has_cxx) {
		write_range(file, "explored_library_data");
		write_range(file, "explored_library_bss");
	}
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
		if (leaves(b, b->object.mentioned.at[i]) && !words_have(&b->whole.defined, b->object.mentioned.at[i]))
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

/* The program's own sections, by which its state, its code and its tables are found. A host puts all static data back, its own included. */
static void rename_own(const struct build *b, struct words *words)
{
	if (b->source->host)
		return;
	rename_sections(words, &b->object.data, "explored_data");
	rename_sections(words, &b->object.bss, "explored_bss");
	rename_sections(words, &b->object.code, "explored_text");
	rename_tables(words, &b->object.begins, "explored_begins");
	rename_tables(words, &b->object.ends, "explored_ends");
}

/* The static data of what came from a library; constant tables of pointers are not changed by anybody. */
static void rename_library(const struct words *sections, const char *to, struct words *words)
{
	for (size_t i = 0; i < sections->count; i++) {
		if (is_identifier(sections->at[i]) || strncmp(sections->at[i], ".data.rel.ro", 12) == 0)
			continue;
		words_add(words, "--rename-section");
		words_add(words, "%s=%s", sections->at[i], to);
	}
}

/* Calls of functions of C++ that are not in the program go through stubs where somebody must know of them. */
static void rename_call(struct build *b, const char *name, enum program_call how, struct words *words)
{
	static const char *const front[] = {[CALL_WRAPPED] = "explored_cxx_",
		[CALL_CHANGES] = "explored_object_",
		[CALL_READS] = "explored_object_",
		[CALL_OTHER] = "explored_call_"};
	if (how == CALL_FINE || (how == CALL_OTHER && strncmp(name, "_Z", 2) != 0))
		return;
	words_add(words, "--redefine-sym");
	words_add(words, "%s=%s%s", name, front[how], name);
	if (how != CALL_WRAPPED)
		words_add(how == CALL_OTHER ? &b->named : &b->objects, "%s", name);
}

/* In C++: own.o, and from it whole.o. */
static int add_library(struct build *b)
{
	if (!b->has_cxx)
		return 0;
	struct words words = {0};
	words_add(&words, "objcopy");
	rename_own(b, &words);
	for (size_t i = 0; i < b->object.called.count; i++)
		rename_call(b, b->object.called.at[i], program_call(&b->covered, b->object.called.at[i]), &words);
	/* Functions whose address is taken. */
	for (size_t i = 0; i < b->object.mentioned.count; i++)
		if (program_call(&b->covered, b->object.mentioned.at[i]) == CALL_WRAPPED)
			rename_call(b, b->object.mentioned.at[i], CALL_WRAPPED, &words);
	words_add(&words, "%s/joined.o", b->folder);
	words_add(&words, "%s/own.o", b->folder);
	int status = program_tool(&words, b->source->files[0], "its sections cannot be named", b->source->verbosity);
	words_free(&words);
	const struct program_compiler *compiler = status ? NULL : compiler_of(b, true);
	if (!compiler)
		return EXIT_USAGE;
	struct program_library library = {.folder = b->folder,
		.helpers = b->source->helpers,
		.subject = b->source->files[0],
		.compiler = &compiler->words,
		.own = &b->object,
		.verbosity = b->source->verbosity};
	return program_library(&library, &b->whole);
}

static void keep_for_stubs(const struct build *b, struct words *words)
{
	if (!b->has_cxx)
		return;
	words_add(words, "--keep-global-symbol=explored_cxx_standard");
	for (size_t i = 0; i < b->named.count; i++)
		words_add(words, "--keep-global-symbol=%s", b->named.at[i]);
	for (size_t i = 0; i < b->objects.count; i++)
		words_add(words, "--keep-global-symbol=%s", b->objects.at[i]);
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
	if (!b->has_cxx)
		rename_own(b, &words);
	else if (!b->source->host) {
		rename_library(&b->whole.data, "explored_library_data", &words);
		rename_library(&b->whole.bss, "explored_library_bss", &words);
	}
	words_add(&words, "%s/%s", b->folder, b->has_cxx ? "whole.o" : "joined.o");
	words_add(&words, "%s/renamed.o", b->folder);
	int status = program_tool(&words, b->source->files[0], "its names cannot be changed", b->source->verbosity);
	words_free(&words);
	/* Objects of the user's own may need the program's names. */
	if (!status && !b->flags.objects) {
		words_add(&words, "objcopy");
		words_add(&words, "--keep-global-symbol=%s", b->source->host ? b->source->host->symbol : "explored_main");
		keep_for_stubs(b, &words);
		words_add(&words, "%s/renamed.o", b->folder);
		status = program_tool(&words, b->source->files[0], "its names cannot be made local", b->source->verbosity);
		words_free(&words);
	}
	return status;
}

static int link_program(struct build *b, struct program_build *built)
{
	struct words words = {0}, libraries = {0};
	int status = read_list(b, "explore_program.link", &libraries);
	const struct program_compiler *linker = compiler_of(b, built->cxx);
	if (!linker)
		return EXIT_USAGE;
	words_append(&words, &linker->words);
	words_add(&words, "-no-pie");
	words_add(&words, "-o");
	words_add(&words, "%s/program", b->folder);
	words_add(&words, "%s/renamed.o", b->folder);
	words_add(&words, "%s/stubs.s", b->folder);
	words_add(&words, "%s/%s", b->source->helpers, b->source->host ? "explore_worker.o" : "explore_program.o");
	if (!status && b->source->host)
		status = add_further(b, &words, "-fno-pie", true);
	/* It is in the program. */
	if (b->has_cxx)
		words_add(&words, "-static-libstdc++");
	words_append(&words, &b->flags.link);
	words_append(&words, &libraries);
	if (!status)
		status = program_tool(&words, b->source->files[0], "does not link", b->source->verbosity);
	if (!status)
		built->program = strdup(words.at[linker->words.count + 2]);
	words_free(&words);
	words_free(&libraries);
	return status;
}

static int build_all(struct build *b, struct program_build *built)
{
	const struct program_source *source = b->source;
	int status = read_list(b, "explore_taken.syms", &b->taken);
	if (!status)
		status = read_list(b, "explore_harmless.txt", &b->harmless);
	if (!status)
		status = read_list(b, "explore_isolated.txt", &b->isolated);
	b->has_cxx = built->cxx;
	if (!status && b->has_cxx)
		status = read_list(b, "explore_library.txt", &b->library);
	if (!status && b->has_cxx)
		status = program_covered(source->helpers, &b->covered);
	for (size_t i = 0; i < source->file_count && !status; i++)
		status = compile(b, i);
	int (*const steps[])(struct build *) = {join, add_library, write_names, write_stubs, rename_all};
	for (size_t i = 0; i < sizeof steps / sizeof *steps && !status; i++) {
		status = steps[i](b);
		/* What libstdc++ calls for itself comes with the next step. */
		built->reads_files |= i == 0 && reads_files(&b->object.called);
	}
	return status ? status : link_program(b, built);
}

/* The folder, and what is known before anything is compiled. */
static int begin(const struct program_source *source, struct program_build *built, struct program_flags *flags)
{
	*built = (struct program_build){.folder = {.lock = -1}};
	for (size_t i = 0; i < source->file_count; i++)
		built->cxx |= program_is_cxx(source->files[i]);
	int status = program_flags(source->flags, source->flag_count, flags);
	return status ? status : private_folder_make(&built->folder);
}

static void tell_compiler(struct build *b, struct program_build *built)
{
	const struct program_compiler *compiler = compiler_of(b, built->cxx);
	if (!compiler)
		return;
	snprintf(built->compiler, sizeof built->compiler, "%s", compiler->name);
	built->clang = compiler->clang;
}

static int end(struct build *b, struct program_build *built, int status)
{
	if (!status)
		tell_compiler(b, built);
	words_free(&b->c.words);
	words_free(&b->cxx.words);
	words_free(&b->flags.compile);
	words_free(&b->flags.link);
	words_free(&b->taken);
	words_free(&b->harmless);
	words_free(&b->isolated);
	words_free(&b->pieces);
	words_free(&b->notes);
	words_free(&b->library);
	words_free(&b->covered.fine);
	words_free(&b->covered.changes);
	words_free(&b->named);
	words_free(&b->objects);
	program_object_free(&b->object);
	program_object_free(&b->whole);
	if (status)
		program_build_close(built);
	return status;
}

int program_build(const struct program_source *source, struct program_build *built)
{
	struct build b = {.source = source};
	int status = begin(source, built, &b.flags);
	b.folder = built->folder.path;
	if (!status && *b.flags.unexplored) {
		complain("%s", b.flags.unexplored);
		status = EXIT_USAGE;
	}
	if (!status)
		status = build_all(&b, built);
	return end(&b, built, status);
}

/* Other flavours ---------------------------------------------------------------------------------------------------------------------- */

static void note_features(const char *path, struct program_build *built)
{
	struct program_object object = {0};
	char why[256];
	if (program_object(path, &object, why, sizeof why) == 0) {
		built->fences |= object.fences;
		built->call_once |= words_have(&object.called, "call_once");
	}
	program_object_free(&object);
}

/* One file to an object. ThreadSanitizer's reports are told by return addresses: without position independence those are the program's. */
static int compile_plainly(struct build *b, size_t i, enum program_flavour flavour, struct program_build *built)
{
	static const char *const shared_flags[] = {"-fPIC", "-ftls-model=initial-exec", "-fvisibility=hidden", "-fno-lto", NULL};
	static const char *const tsan_flags[] = {"-fsanitize=thread", "-fno-omit-frame-pointer", "-fno-pie", "-fno-lto", NULL};
	static const char *const tsan_gcc_flags[] = {"-fno-tree-loop-im", "-Wno-tsan", NULL}, *const tsan_clang_flags[] = {
												      CLANG_ACCESSES, NULL};
	const char *file = b->source->files[i];
	int status = program_check_file(file);
	const struct program_compiler *compiler = status ? NULL : compiler_of(b, program_is_cxx(file));
	if (!compiler)
		return EXIT_USAGE;
	struct words words = {0};
	words_append(&words, &compiler->words);
	add_all(&words, flavour == PROGRAM_SHARED ? shared_first_flags : first_flags);
	words_append(&words, &b->flags.compile);
	if (add_unit(b, i, &words) != 0) {
		words_free(&words);
		return EXIT_USAGE;
	}
	if (flavour == PROGRAM_SHARED)
		add_all(&words, shared_flags);
	if (flavour == PROGRAM_TSAN)
		add_all(&words, tsan_flags);
	if (flavour == PROGRAM_TSAN)
		add_all(&words, compiler->clang ? tsan_clang_flags : tsan_gcc_flags);
	if (b->source->optimise)
		words_add(&words, "%s", b->source->optimise);
	program_includes(file, b->source->helpers, &words);
	words_add(&words, "-c");
	program_add_file(&words, file);
	words_add(&words, "-o");
	words_add(&words, "%s/%zu.o", b->folder, i);
	status = program_tool_in(folder_of(b, i), &words, file, "does not compile", b->source->verbosity);
	if (!status && flavour == PROGRAM_TSAN)
		note_features(words.at[words.count - 1], built);
	words_free(&words);
	return status;
}

/* What a host adds to the words of the linker: its own parts, and the file that names the user's symbol. */
static int link_host(struct build *b, struct words *words, enum program_flavour flavour)
{
	if (flavour == PROGRAM_SHARED)
		words_add(words, "-shared");
	else
		words_add(words, "%s/%s", b->source->helpers, flavour == PROGRAM_TSAN ? "worker_tsan.o" : "worker.o");
	int status = check_plain_parts(b);
	return status ? status : add_further(b, words, flavour == PROGRAM_TSAN ? "-fno-pie" : "-fPIC", flavour != PROGRAM_SHARED);
}

static int link_plainly(struct build *b, struct program_build *built, enum program_flavour flavour)
{
	struct words words = {0};
	const struct program_compiler *linker = compiler_of(b, built->cxx);
	if (!linker)
		return EXIT_USAGE;
	words_append(&words, &linker->words);
	words_add(&words, "-o");
	words_add(&words, "%s/program", b->folder);
	if (flavour == PROGRAM_TSAN) {
		words_add(&words, "-fsanitize=thread");
		words_add(&words, "-no-pie");
	}
	int status = 0;
	if (b->source->host)
		status = link_host(b, &words, flavour);
	else if (flavour == PROGRAM_TSAN)
		words_add(&words, "%s/onceproof-tsan-told.o", b->source->helpers);
	for (size_t i = 0; i < b->source->file_count; i++)
		words_add(&words, "%s/%zu.o", b->folder, i);
	words_append(&words, &b->flags.link);
	words_add(&words, "-lm");
	words_add(&words, "-lpthread");
	if (!status)
		status = program_tool(&words, b->source->files[0], "does not link", b->source->verbosity);
	if (!status)
		built->program = strdup(words.at[linker->words.count + 1]);
	words_free(&words);
	return status;
}

int program_compile(const struct program_source *source, enum program_flavour flavour, struct program_build *built)
{
	struct build b = {.source = source};
	int status = begin(source, built, &b.flags);
	b.folder = built->folder.path;
	for (size_t i = 0; i < source->file_count && !status; i++)
		status = compile_plainly(&b, i, flavour, built);
	if (!status)
		status = link_plainly(&b, built, flavour);
	return end(&b, built, status);
}

void program_build_close(struct program_build *built)
{
	private_folder_remove(&built->folder);
	free(built->program);
	built->program = NULL;
}
