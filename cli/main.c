/* SPDX-License-Identifier: MIT */
/* onceproof: finds the subcommand and runs it. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

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

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	/* A reader that goes away is an error of one write, not the end of a batch. */
	signal(SIGPIPE, SIG_IGN);
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
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(name, commands[i]->name) != 0)
			continue;
		char title[64];
		snprintf(title, sizeof title, "onceproof %s", name);
		argv[1] = title;
		return commands[i]->run(argc - 1, argv + 1);
	}
	if (strcmp(name, "test") == 0)
		complain("test: runs through the launcher in the source tree: ./onceproof test");
	else
		complain("%s: there is no such command: 'onceproof --help' lists them", name);
	return EXIT_USAGE;
}
