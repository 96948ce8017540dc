/* SPDX-License-Identifier: MIT */
/* onceproof: finds the subcommand and runs it. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "complete.h"

static void usage(FILE *stream)
{
	fprintf(stream, "Usage: onceproof COMMAND [OPTION...]\n\n"
			"Every initialiser runs exactly once. Every item is counted exactly once.\n"
			"See it break, see it proven, see what it costs.\n\nCommands:\n");
	for (size_t i = 0; i < command_count; i++)
		fprintf(stream, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(stream, "  %-9s %s\n", "test", "run the project's own tests (./onceproof test, in the source tree)");
	fprintf(stream, "\n'onceproof COMMAND --help' explains a command.\n"
			"Exit status: 0 contracts as stated, 1 a contract broken, 2 usage or environment, 3 inconclusive.\n");
}

/* Output that did not arrive is a failure, whichever way the program ends: a full disk must not leave an empty log and status 0. */
static void close_stdout(void)
{
	bool failed = ferror(stdout) != 0;
	failed |= fclose(stdout) != 0;
	if (!failed)
		return;
	if (complaints() == 0)
		complain("stdout: cannot be written: %s", errno ? strerror(errno) : "it was closed or is full");
	_exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	atexit(close_stdout);
	setlocale(LC_CTYPE, "C.UTF-8");
	const char *name = argc > 1 ? argv[1] : "";
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "-?") == 0 || strcmp(name, "help") == 0) {
		usage(stdout);
		return fflush(stdout) == 0 ? EXIT_HOLDS : EXIT_USAGE;
	}
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		puts("onceproof " ONCEPROOF_VERSION);
		return fflush(stdout) == 0 ? EXIT_HOLDS : EXIT_USAGE;
	}
	/* For the shells' completion (completion/): not for people, so --help does not have it. */
	if (strcmp(name, "--complete") == 0)
		return complete(argc - 2, argv + 2);
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(name, commands[i]->name) != 0)
			continue;
		char title[64];
		snprintf(title, sizeof title, "onceproof %s", name);
		argv[1] = title;
		/* A reader of the progress that goes away costs the batch its progress, not its results. */
		if (strcmp(name, "run") == 0)
			signal(SIGPIPE, SIG_IGN);
		return commands[i]->run(argc - 1, argv + 1);
	}
	if (strcmp(name, "test") == 0)
		complain("test: runs through the launcher in the source tree: ./onceproof test");
	else
		complain("%s: there is no such command: 'onceproof --help' lists them", name);
	return EXIT_USAGE;
}
