/* SPDX-License-Identifier: MIT */
/* A forced test is tried before it is given away: built with the witness' own compiler, it has to fail. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../../impl/support/say.h"
#include "../child.h"
#include "../program_parts.h"
#include "engines.h"
#include "forced_test.h"

enum { TRY_S = 90, TRY_OUTPUT_MAX = 1 << 20 };

static int compile(
	const struct forced_source *source, size_t file, const struct program_flags *flags, const char *folder, bool *cxx)
{
	const struct program_source *program = &source->program;
	struct program_compiler compiler;
	struct words words = {0};
	*cxx = program_is_cxx(program->files[file]);
	if (program_compiler(program->compiler, *cxx, &compiler) != 0)
		return EXIT_USAGE;
	words_append(&words, &compiler.words);
	words_add(&words, "-c");
	if (!program->optimise)
		words_add(&words, "-O1");
	words_append(&words, &flags->compile);
	program_includes(program->files[file], program->helpers, &words);
	if (program->optimise)
		words_add(&words, "%s", program->optimise);
	for (const char *const *option = forced_test_options(compiler.clang, *cxx); *option; option++)
		words_add(&words, "%s", *option);
	words_add(&words, "%s", program->files[file]);
	words_add(&words, "-o");
	words_add(&words, "%s/%zu.o", folder, file);
	int status = program_tool(&words, program->files[file], "does not compile", program->verbosity);
	words_free(&words);
	words_free(&compiler.words);
	return status;
}

static int compile_test(const struct forced_source *source, const char *path, const char *folder)
{
	struct program_compiler compiler;
	struct words words = {0};
	if (program_compiler(source->program.compiler, false, &compiler) != 0)
		return EXIT_USAGE;
	words_append(&words, &compiler.words);
	static const char *const options[] = {"-c", "-O1", "-g", "-x", "c"};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		words_add(&words, "%s", options[i]);
	words_add(&words, "%s", path);
	words_add(&words, "-o");
	words_add(&words, "%s/turnstile.o", folder);
	int status = program_tool(&words, "the generated test", "does not compile", source->program.verbosity);
	words_free(&words);
	words_free(&compiler.words);
	return status;
}

static int link_all(const struct forced_source *source, const struct program_flags *flags, const char *folder, bool cxx)
{
	struct program_compiler compiler;
	struct words words = {0};
	if (program_compiler(source->program.compiler, cxx, &compiler) != 0)
		return EXIT_USAGE;
	words_append(&words, &compiler.words);
	words_add(&words, "%s/turnstile.o", folder);
	for (size_t i = 0; i < source->program.file_count; i++)
		words_add(&words, "%s/%zu.o", folder, i);
	words_append(&words, &flags->link);
	static const char *const libraries[] = {"-lm", "-pthread", "-ldl", "-o"};
	for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
		words_add(&words, "%s", libraries[i]);
	words_add(&words, "%s/test", folder);
	int status = program_tool(&words, "the generated test", "does not link with the program", source->program.verbosity);
	words_free(&words);
	words_free(&compiler.words);
	return status;
}

/* The last line that says something of the test. */
static void last_line(const struct child_result *child, char *words, size_t bytes)
{
	size_t length = strlen(child->err);
	while (length && child->err[length - 1] == '\n')
		child->err[--length] = '\0';
	const char *line = strrchr(child->err, '\n');
	line = line ? line + 1 : *child->err ? child->err : child->out;
	snprintf(words, bytes, "%.*s", (int)strcspn(line, "\n"), line);
}

static int run_once(const struct forced_source *source, const char *folder, char *words, size_t bytes)
{
	char program[PATH_MAX];
	snprintf(program, sizeof program, "%s/test", folder);
	char *argv[] = {program, NULL};
	const struct child_options options = {
		.argv = argv, .timeout_s = TRY_S, .output_max = TRY_OUTPUT_MAX, .limits = check_limits()};
	struct child_result child;
	int why = child_run(&options, &child);
	if (why) {
		complain("%s: the generated test cannot be run: %s", source->path, strerror(why));
		return EXIT_USAGE;
	}
	last_line(&child, words, bytes);
	int status = child.interrupted || child.timed_out || child.stopped || !WIFEXITED(child.status) ||
				     WEXITSTATUS(child.status) != EXIT_BROKEN
			     ? EXIT_INCONCLUSIVE
			     : 0;
	if (status && !*words)
		snprintf(words, bytes, "%s",
			child.interrupted ? "interrupted"
			: child.timed_out ? "it did not end"
			: child.stopped   ? child.stopped
					  : "it said nothing");
	/* It has to be this interleaving that shows it. */
	if (!status && strstr(words, "(not as in the witness"))
		status = EXIT_INCONCLUSIVE;
	child_free(&child);
	return status;
}

int forced_test_try(const struct forced_source *source, const char *path, int rounds, char *words, size_t bytes)
{
	struct private_folder folder;
	struct program_flags flags = {0};
	bool cxx = false;
	if (private_folder_make(&folder) != 0)
		return EXIT_USAGE;
	int status = program_flags(source->program.flags, source->program.flag_count, &flags);
	for (size_t i = 0; i < source->program.file_count && !status; i++) {
		bool its = false;
		status = compile(source, i, &flags, folder.path, &its);
		cxx |= its;
	}
	if (!status)
		status = compile_test(source, path, folder.path);
	if (!status)
		status = link_all(source, &flags, folder.path, cxx);
	for (int i = 0; i < rounds && !status; i++)
		status = run_once(source, folder.path, words, bytes);
	words_free(&flags.compile);
	words_free(&flags.link);
	private_folder_remove(&folder);
	return status;
}
