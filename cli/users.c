/* SPDX-License-Identifier: MIT */
#include "users.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

bool users_is_file(const char *name)
{
	size_t length = strlen(name);
	return length > 2 && strcmp(name + length - 2, ".c") == 0;
}

int users_add(struct users *users, const char *option, enum family family, const char *path)
{
	size_t i = users->count;
	if (i == USERS_MAX) {
		complain("%s: %s: more than %d files", option, path, USERS_MAX);
		return EXIT_USAGE;
	}
	users->path[i] = (char *)path;
	const struct program_source source = {.files = &users->path[i], .file_count = 1, .helpers = helper_folder()};
	int status = implementation_open(&source, &users->files[i]);
	if (status)
		return status;
	users->count++;
	if (family != FAMILY_COUNT && users->files[i].family != family) {
		complain("%s: %s implements the %s, not the %s", option, path, family_name(users->files[i].family),
			family_name(family));
		return EXIT_USAGE;
	}
	return implementation_part(&users->files[i], IMPLEMENTATION_SHARED);
}

char *users_option(const struct users *users, size_t i)
{
	char *word;
	if (asprintf(&word, "--load=%s", users->files[i].built[IMPLEMENTATION_SHARED].program) >= 0)
		return word;
	complain("out of memory");
	exit(EXIT_USAGE);
}

void users_close(struct users *users)
{
	while (users->count)
		implementation_close(&users->files[--users->count]);
}

const struct registered *users_find(const char *option, enum family family, const char *name)
{
	if (!users_is_file(name))
		return parse_implementation(option, family, name);
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct registered *entry = &onceproof_registry[i];
		if (entry->number == REGISTERED_BY_USER && entry->about->family == family && strcmp(entry->file, name) == 0)
			return entry;
	}
	return NULL;
}

static volatile sig_atomic_t running; /* process id of the child; 0: none */

static void pass_on(int signal_number)
{
	int kept = errno;
	if (running)
		kill(running, signal_number);
	errno = kept;
}

/* Signals that ask the child to end go to the child. From a terminal it has them already. */
static void catch_signals(void)
{
	struct sigaction ignored = {.sa_handler = SIG_IGN}, passed = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
	sigaction(SIGINT, &ignored, NULL);
	sigaction(SIGTERM, &passed, NULL);
	sigaction(SIGHUP, &passed, NULL);
}

static _Noreturn void become(char **words)
{
	execv("/proc/self/exe", words);
	complain("/proc/self/exe: %s", strerror(errno));
	_exit(EXIT_USAGE);
}

int users_run(const struct users *users, int argc, char **argv)
{
	char **words = calloc((size_t)argc + users->count + 3, sizeof *words);
	size_t n = 0;
	const char *command = strrchr(argv[0], ' ');
	if (!words) {
		complain("out of memory");
		return EXIT_USAGE;
	}
	words[n++] = (char *)"onceproof";
	words[n++] = (char *)(command ? command + 1 : argv[0]);
	for (size_t i = 0; i < users->count; i++)
		words[n++] = users_option(users, i);
	for (int i = 1; i < argc; i++)
		words[n++] = argv[i];
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		become(words);
	running = pid > 0 ? (sig_atomic_t)pid : 0;
	catch_signals();
	int status = 0;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	running = 0;
	for (size_t i = 0; i < users->count; i++)
		free(words[2 + i]);
	free(words);
	if (pid < 0) {
		complain("cannot start a process: %s", strerror(errno));
		return EXIT_USAGE;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	complain("%s: signal %d (%s) ended the process that ran it", users->path[0], WTERMSIG(status),
		strsignal(WTERMSIG(status)));
	return EXIT_BROKEN;
}
