/* SPDX-License-Identifier: MIT */
#include "explore_file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../impl/support/say.h"
#include "checkpoint.h"
#include "child.h"

enum { ANSWER_BYTES_MAX = 256 << 20, PATIENCE_S = 120, LITTLE_PATIENCE_S = 5, GRACE_S = 20 };

int explore_file_build(struct explore_file *file)
{
	const struct program_source source = {.files = file->files,
		.file_count = file->file_count,
		.flags = file->flags,
		.flag_count = file->flag_count,
		.units = file->units,
		.compiler = file->compiler,
		.optimise = file->optimise,
		.helpers = file->helpers,
		.verbosity = file->verbosity};
	return program_build(&source, &file->built);
}

char **explore_file_command(const struct explore_file *file, char *const *words)
{
	size_t count = 0, given = 0;
	while (words[given])
		given++;
	char **command = calloc(given + file->argument_count + 6, sizeof *command);
	if (!command) {
		complain("out of memory");
		exit(EXIT_USAGE);
	}
	command[count++] = file->built.program;
	if (file->isolate)
		command[count++] = (char *)"--isolate=the option --isolate";
	for (size_t i = 0; i < given; i++)
		command[count++] = words[i];
	if (file->input) {
		command[count++] = (char *)"--input";
		command[count++] = (char *)file->input;
	}
	/* What follows is the program's own, also where it begins with '-'. */
	command[count++] = (char *)"--";
	for (size_t i = 0; i < file->argument_count; i++)
		command[count++] = file->arguments[i];
	return command;
}

/* The last line that the child wrote to stderr, without the name of the worker. */
static const char *last_words(struct child_result *child)
{
	static const char name[] = "onceproof-explore: ";
	size_t length = strlen(child->err);
	while (length && child->err[length - 1] == '\n')
		child->err[--length] = '\0';
	const char *line = strrchr(child->err, '\n');
	line = line ? line + 1 : child->err;
	return strncmp(line, name, sizeof name - 1) == 0 ? line + sizeof name - 1 : line;
}

/* Why there is no answer. */
static void reason_of(struct child_result *child, char *text, size_t bytes)
{
	const char *words = last_words(child);
	if (child->interrupted)
		snprintf(text, bytes, "interrupted");
	else if (child->stopped)
		snprintf(text, bytes, "inconclusive: the explored program ran into a limit: %s", child->stopped);
	else if (child->timed_out)
		snprintf(text, bytes, "inconclusive: it did not end although its time was over");
	else if (WIFSIGNALED(child->status))
		snprintf(text, bytes, "inconclusive: the explorer was ended by signal %d (%s)%s%s", WTERMSIG(child->status),
			strsignal(WTERMSIG(child->status)), *words ? ": " : "", words);
	else if (WIFEXITED(child->status) && WEXITSTATUS(child->status) == EXIT_USAGE)
		snprintf(text, bytes, "cannot be explored: %s", *words ? words : "the program gave no reason");
	else
		snprintf(text, bytes, "inconclusive: there is no answer: %s", *words ? words : "the program ended by itself");
}

/* Says so; an exit status. */
static int no_answer(const struct explore_file *file, struct child_result *child)
{
	char text[512];
	reason_of(child, text, sizeof text);
	/* Whoever takes the reason has a verdict of its own for it. */
	static const char verdict[] = "inconclusive: ";
	bool judged = strncmp(text, verdict, sizeof verdict - 1) == 0;
	if (file->reason)
		snprintf(file->reason, file->reason_bytes, "%s", text + (judged ? sizeof verdict - 1 : 0));
	if (!file->quiet)
		complain("%s: %s", file->files[0], text);
	return WIFEXITED(child->status) && WEXITSTATUS(child->status) == EXIT_USAGE && !file->quiet ? EXIT_USAGE
												    : EXIT_INCONCLUSIVE;
}

/* The words of both lists; free() the one pointer. */
static char **with_more(char *const *words, char *const *more)
{
	size_t count = 0, further = 0;
	while (words[count])
		count++;
	while (more[further])
		further++;
	char **all = calloc(count + further + 1, sizeof *all);
	if (!all) {
		complain("out of memory");
		exit(EXIT_USAGE);
	}
	memcpy(all, words, count * sizeof *all);
	memcpy(all + count, more, further * sizeof *all);
	return all;
}

/* What the program does outside of the explorer's control (a library function, inline assembly) must not harm, either. Explorations may be
 * large, and have many processes: only a machine's own size ends them. */
static struct child_limits limits(void)
{
	return (struct child_limits){.memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) / 4 * 3 * (uint64_t)sysconf(_SC_PAGESIZE),
		.processes = 1024,
		.file_bytes = (uint64_t)1 << 30,
		.contain = true,
		.writes_beside = true};
}

int explore_file_run(const struct explore_file *file, char *const *words, json_t **answer)
{
	struct checkpoint_channel channel;
	int why = checkpoint_channel_open(file->checkpoint, file->checkpoint_name, &channel), status = 0;
	*answer = NULL;
	if (why) {
		complain("%s: its checkpoint cannot be reached: %s", file->files[0], strerror(why));
		return EXIT_USAGE;
	}
	/* The input is opened outside of the containment, which pipes with a name do not cross. */
	struct explore_file inside = *file;
	inside.input = file->input ? "-" : NULL;
	char **all = with_more(words, channel.words), **command = explore_file_command(&inside, all);
	const struct child_limits most = limits();
	struct child_options options = {.argv = command,
		.limits = &most,
		.input = file->input,
		.timeout_s = file->time_limit_s > 0 ? file->time_limit_s + (file->quiet ? LITTLE_PATIENCE_S : PATIENCE_S) : 0,
		.output_max = ANSWER_BYTES_MAX,
		.fixed_addresses = true,
		.grace_s = GRACE_S,
		.heard = file->heard,
		.heard_arg = file->heard_arg,
		.pass_fd = channel.fd};
	struct child_result child;
	why = child_run(&options, &child);
	checkpoint_channel_close(&channel);
	free(command);
	free(all);
	if (why && file->input && access(file->input, R_OK) != 0) {
		complain("%s: cannot be explored: the standard input: %s: %s", file->files[0], file->input, strerror(why));
		return EXIT_USAGE;
	}
	if (why) {
		complain("%s: the built program cannot be run: %s", file->files[0], strerror(why));
		return EXIT_USAGE;
	}
	/* An interrupted one tells what it saw, if it can. */
	if (!child.timed_out && child.status == 0)
		*answer = json_loads(child.out, JSON_REJECT_DUPLICATES, NULL);
	if (!*answer)
		status = no_answer(file, &child);
	const char *isolated = json_string_value(json_object_get(*answer, "isolated"));
	if (isolated && file->verbosity > 0)
		fprintf(stderr, "onceproof: %s: each execution runs in a process of its own, because of %s\n", file->files[0],
			isolated);
	child_free(&child);
	return status;
}

void explore_file_close(struct explore_file *file)
{
	program_build_close(&file->built);
}
