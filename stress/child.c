/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_MAX = 16 << 20, POLL_MS = 50, LINGER_S = 5, STATUS_REFUSED = 1 };

volatile int child_interrupted;

static void note_interrupt(int signal)
{
	(void)signal;
	child_interrupted = 1;
}

void child_catch_interrupts(void)
{
	/* No SA_RESTART: a wait ends early and looks at the flag. A second signal ends this process at once. */
	struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The child's side: never returns. REPORT tells the parent why exec failed, or that randomisation could not be switched off. */
static void become(const struct child_options *options, pid_t parent, int out, int err, int report)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The parent may have died before that took effect. */
	if (getppid() != parent)
		_exit(127);
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	int null = open(options->input ? options->input : "/dev/null", O_RDONLY);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	if (!options->inherit_output) {
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
	}
	int words[2] = {0, 0};
	if (options->fixed_addresses && personality(ADDR_NO_RANDOMIZE) == -1) {
		words[0] = STATUS_REFUSED;
		ssize_t written = write(report, words, sizeof words);
		(void)written;
	}
	if (options->pass_fd > 0)
		fcntl(options->pass_fd, F_SETFD, 0);
	for (char *const *setting = options->environment; setting && *setting; setting++)
		putenv(*setting);
	if (!options->folder || chdir(options->folder) == 0)
		execvp(options->argv[0], options->argv);
	words[1] = errno;
	ssize_t written = write(report, words, sizeof words);
	(void)written;
	_exit(127);
}

struct stream {
	int fd;
	char *text;
	size_t length, room, max;
	size_t offered; /* of text: lines before it were offered to the listener */
};

/* Offers the whole lines that came in to the listener, and forgets those that it takes. */
static void offer_lines(const struct child_options *options, struct stream *stream)
{
	while (options->heard && stream->offered < stream->length) {
		char *line = stream->text + stream->offered, *end = memchr(line, '\n', stream->length - stream->offered);
		if (!end)
			return;
		*end = '\0';
		bool taken = options->heard(options->heard_arg, line);
		*end = '\n';
		if (!taken) {
			stream->offered = (size_t)(end + 1 - stream->text);
			continue;
		}
		memmove(line, end + 1, (size_t)(stream->text + stream->length - end));
		stream->length -= (size_t)(end + 1 - line);
	}
}

/* Takes what is there; keeps at most max bytes and throws the rest away. False at the end of the stream. */
static bool drain(struct stream *stream)
{
	char chunk[65536];
	ssize_t got = read(stream->fd, chunk, sizeof chunk);
	if (got < 0)
		return errno == EINTR || errno == EAGAIN;
	if (got == 0)
		return false;
	size_t keep = (size_t)got;
	if (keep > stream->max - stream->length)
		keep = stream->max - stream->length;
	if (stream->length + keep + 1 > stream->room) {
		size_t room = (stream->length + keep + 1) * 2;
		char *text = realloc(stream->text, room);
		if (!text)
			return true;
		stream->text = text;
		stream->room = room;
	}
	memcpy(stream->text + stream->length, chunk, keep);
	stream->length += keep;
	stream->text[stream->length] = '\0';
	return true;
}

static void collect(
	pid_t pid, const struct child_options *options, struct stream streams[2], struct child_result *result, double started)
{
	struct pollfd polled[2] = {{streams[0].fd, POLLIN, 0}, {streams[1].fd, POLLIN, 0}};
	bool ended = false, killed = false;
	double asked = 0, ended_at = 0;
	while (!ended || polled[0].fd >= 0 || polled[1].fd >= 0) {
		poll(polled, 2, POLL_MS);
		for (int i = 0; i < 2; i++)
			if (polled[i].fd >= 0 && polled[i].revents && !drain(&streams[i]))
				polled[i].fd = -1;
		offer_lines(options, &streams[1]);
		siginfo_t info = {0};
		if (!ended && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid) {
			/* What it left behind in its group must not hold the pipes open. Killed before the leader is reaped, while the
			 * group's number cannot be given to others. */
			kill(-pid, SIGKILL);
			waitpid(pid, &result->status, 0);
			ended = true;
			ended_at = now_s();
		}
		/* A descendant that left the group may hold the pipes for ever. */
		if (ended && now_s() - ended_at > LINGER_S)
			break;
		bool late = options->timeout_s > 0 && now_s() - started > options->timeout_s;
		result->interrupted |= !ended && child_interrupted;
		if (!ended && child_interrupted && options->grace_s > 0 && asked <= 0) {
			kill(-pid, SIGINT);
			asked = now_s();
		}
		bool patient = asked > 0 && now_s() - asked < options->grace_s;
		if (!ended && !killed && (late || (child_interrupted && !patient))) {
			result->timed_out = late;
			killed = true;
			kill(-pid, SIGKILL);
		}
		if (ended && options->inherit_output)
			break;
	}
}

int child_run(const struct child_options *options, struct child_result *result)
{
	int out[2] = {-1, -1}, err[2] = {-1, -1}, report[2] = {-1, -1}, why = 0;
	*result = (struct child_result){0};
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || pipe2(report, O_CLOEXEC))
		why = errno;
	double started = now_s();
	pid_t parent = getpid(), pid = why ? -1 : fork();
	if (!why && pid < 0)
		why = errno;
	if (pid == 0)
		become(options, parent, out[1], err[1], report[1]);
	close(out[1]);
	close(err[1]);
	close(report[1]);
	if (!why) {
		setpgid(pid, pid); /* as the child does: whoever is first */
		int words[2];
		/* Ends with the successful exec, which closes the other side. */
		while (read(report[0], words, sizeof words) == sizeof words) {
			result->addresses_kept |= words[0] == STATUS_REFUSED;
			why = words[1];
		}
		size_t max = options->output_max ? options->output_max : OUTPUT_MAX;
		struct stream streams[2] = {{out[0], calloc(1, 1), 0, 1, max, 0}, {err[0], calloc(1, 1), 0, 1, max, 0}};
		collect(pid, options, streams, result, started);
		result->out = streams[0].text;
		result->err = streams[1].text;
		result->out_length = streams[0].length;
		result->err_length = streams[1].length;
		result->seconds = now_s() - started;
	}
	close(out[0]);
	close(err[0]);
	close(report[0]);
	if (why)
		child_free(result);
	return why;
}

void child_free(struct child_result *result)
{
	free(result->out);
	free(result->err);
	*result = (struct child_result){0};
}
