/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contain.h"

enum { OUTPUT_MAX = 16 << 20, POLL_MS = 50, POLL_BLIND_MS = 5, LINGER_S = 5 };

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

struct stream {
	int fd;
	char *text;
	size_t length, room, max;
	size_t offered;  /* of text: lines before it were offered to the listener */
	size_t searched; /* of text: no end of a line before it, from offered on */
	uint64_t total;  /* bytes that came, kept or not */
};

/* Offers the whole lines that came in to the listener, and forgets those that it takes. */
static void offer_lines(const struct child_options *options, struct stream *stream)
{
	while (options->heard && stream->offered < stream->length) {
		if (stream->searched < stream->offered)
			stream->searched = stream->offered;
		char *line = stream->text + stream->offered;
		char *end = memchr(stream->text + stream->searched, '\n', stream->length - stream->searched);
		if (!end) {
			stream->searched = stream->length;
			return;
		}
		*end = '\0';
		bool taken = options->heard(options->heard_arg, line);
		*end = '\n';
		if (!taken) {
			stream->offered = (size_t)(end + 1 - stream->text);
			continue;
		}
		stream->searched = stream->offered;
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
	stream->total += keep;
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

/* A child while it runs. */
struct running {
	const struct child_options *options;
	struct child_result *result;
	pid_t pid;
	int ended_fd;     /* readable when pid has ended; -1: unknown */
	int started_fd;   /* closed when the program runs, or cannot */
	int why;          /* an errno value: it could not be started */
	int told, orders; /* of a keeper; -1: there is none */
	bool own_space;   /* pid takes everything with it */
	bool ended, killed;
	double started, ended_at, asked, killed_at;
	struct stream streams[2];
};

/* Its group, and with a keeper everything that it started. A keeper that cannot take all with it is asked to; it has LINGER_S for that. */
static void end_all(struct running *r)
{
	double now = now_s();
	if (!r->killed)
		r->killed_at = now;
	bool ask = r->orders >= 0 && !r->own_space && now - r->killed_at < LINGER_S;
	if (ask && !r->killed && send(r->orders, "k", 1, MSG_NOSIGNAL) != 1)
		ask = false;
	if (!ask)
		kill(-r->pid, SIGKILL);
	r->killed = true;
}

static void interrupt(struct running *r)
{
	if (r->orders < 0)
		kill(-r->pid, SIGINT);
	else if (send(r->orders, "i", 1, MSG_NOSIGNAL) != 1)
		end_all(r);
	r->asked = now_s();
}

static void note_end(struct running *r)
{
	siginfo_t info = {0};
	if (r->ended || waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != r->pid)
		return;
	/* What it left behind in its group must not hold the pipes open. Killed before the leader is reaped, while the group's number cannot be
	 * given to others. */
	kill(-r->pid, SIGKILL);
	waitpid(r->pid, &r->result->status, 0);
	r->ended = true;
	r->ended_at = now_s();
}

static void look_at_limits(struct running *r)
{
	const struct child_options *options = r->options;
	double now = now_s();
	bool late = options->timeout_s > 0 && now - r->started > options->timeout_s;
	uint64_t most = options->limits ? options->limits->output_bytes : 0;
	bool loud = most && r->streams[0].total + r->streams[1].total > most;
	r->result->interrupted |= child_interrupted;
	if (child_interrupted && options->grace_s > 0 && r->asked <= 0)
		interrupt(r);
	bool patient = r->asked > 0 && now - r->asked < options->grace_s;
	if (r->killed || late || loud || (child_interrupted && !patient)) {
		r->result->timed_out |= late && !r->killed;
		if (loud && !r->killed)
			r->result->stopped = "output";
		end_all(r);
	}
}

/* What is said until the program runs. False: that is all; a successful exec closes the other side. */
static bool hear_start(struct running *r)
{
	int words[2];
	if (read(r->started_fd, words, sizeof words) != sizeof words)
		return false;
	r->result->addresses_kept |= words[0] == SAYS_ADDRESSES_KEPT;
	if (words[0] == SAYS_LACKS)
		r->result->contained = contain_words((unsigned)words[1]);
	if (words[0] == SAYS_FAILED)
		r->why = words[1];
	return true;
}

static void collect(struct running *r)
{
	struct pollfd polled[4] = {{r->streams[0].fd, POLLIN, 0}, {r->streams[1].fd, POLLIN, 0}, {r->ended_fd, POLLIN, 0},
		{r->started_fd, POLLIN, 0}};
	while (!r->ended || polled[0].fd >= 0 || polled[1].fd >= 0 || polled[3].fd >= 0) {
		polled[0].revents = polled[1].revents = polled[3].revents = 0;
		poll(polled, 4, r->ended_fd >= 0 || polled[0].fd >= 0 || polled[1].fd >= 0 ? POLL_MS : POLL_BLIND_MS);
		for (int i = 0; i < 2; i++)
			if (polled[i].fd >= 0 && polled[i].revents && !drain(&r->streams[i]))
				polled[i].fd = -1;
		if (polled[3].fd >= 0 && polled[3].revents && !hear_start(r))
			polled[3].fd = -1;
		offer_lines(r->options, &r->streams[1]);
		note_end(r);
		if (r->ended)
			polled[2].fd = -1;
		/* A descendant that left the group may hold the pipes for ever. */
		if (r->ended && (r->options->inherit_output || now_s() - r->ended_at > LINGER_S))
			break;
		if (!r->ended)
			look_at_limits(r);
	}
}

/* What its keeper knows of it, and what the status tells. */
static void learn_end(const struct running *r)
{
	static const char *const limits[] = {[LIMIT_MEMORY] = "memory", [LIMIT_PROCESSES] = "processes"};
	struct child_result *result = r->result;
	int words[2];
	while (r->told >= 0 && read(r->told, words, sizeof words) == sizeof words) {
		if (words[0] == SAYS_STATUS)
			result->status = words[1];
		else if (words[0] == SAYS_STOPPED && !result->stopped)
			result->stopped = limits[words[1]];
	}
	if (r->options->limits && !result->stopped && WIFSIGNALED(result->status)) {
		if (WTERMSIG(result->status) == SIGXCPU)
			result->stopped = "time of the processor";
		if (WTERMSIG(result->status) == SIGXFSZ)
			result->stopped = "size of a file";
	}
	/* A limit's end is no signal of the program's own. */
	if (result->stopped && !WIFSIGNALED(result->status))
		result->status = SIGKILL;
}

/* Settings by which a user's surroundings would change what is found. */
static bool blinding(const char *setting)
{
	static const char *const names[] = {"TSAN_OPTIONS", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "MSAN_OPTIONS",
		"VALGRIND_OPTS", "VALGRIND_LIB", "LD_PRELOAD", "LD_AUDIT"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t length = strlen(names[i]);
		if (strncmp(setting, names[i], length) == 0 && setting[length] == '=')
			return true;
	}
	return false;
}

/* This process's settings and the child's further ones, which win. Borrowed strings; the caller frees the list. NULL: out of memory. */
static char **merge_environment(const struct child_options *options)
{
	size_t count = 0, more = 0, n = 0;
	bool scrub = options->limits && options->limits->contain;
	while (environ && environ[count])
		count++;
	while (options->environment && options->environment[more])
		more++;
	char **merged = malloc((count + more + 1) * sizeof *merged);
	for (size_t i = 0; merged && i < count; i++) {
		size_t name = strcspn(environ[i], "=") + 1;
		bool replaced = scrub && blinding(environ[i]);
		for (size_t j = 0; j < more && !replaced; j++)
			replaced = strncmp(environ[i], options->environment[j], name) == 0;
		if (!replaced)
			merged[n++] = environ[i];
	}
	for (size_t j = 0; merged && j < more; j++)
		merged[n++] = options->environment[j];
	if (merged)
		merged[n] = NULL;
	return merged;
}

/* The folders where a program may well write, in order of weight; owned by PLACES. */
static void find_places(const struct child_options *options, char *places[CONTAIN_PLACES])
{
	const char *slash = strrchr(options->argv[0], '/');
	char *program = slash && slash > options->argv[0] ? strndup(options->argv[0], (size_t)(slash - options->argv[0])) : NULL;
	const char *const wanted[CONTAIN_PLACES] = {
		".", options->folder, program, getenv("TMPDIR"), "/tmp", "/var/tmp", getenv("HOME")};
	for (size_t i = 0; i < CONTAIN_PLACES; i++)
		places[i] = wanted[i] ? realpath(wanted[i], NULL) : NULL;
	free(program);
}

static bool needs_keeper(const struct child_limits *limits)
{
	return limits && (limits->contain || limits->memory_bytes || limits->processes);
}

static pid_t launch(struct contain_start *start, bool keeper, bool *own_space)
{
	if (keeper)
		return contain_fork(start, own_space);
	pid_t parent = getpid(), pid = fork();
	if (pid != 0)
		return pid;
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The parent may have died before that took effect. */
	if (getppid() != parent)
		_exit(127);
	contain_exec(start, -1);
}

enum { OUT, ERR, STARTED, TOLD, ORDERS, PIPES };

static bool open_pipes(int pipes[PIPES][2])
{
	for (size_t i = 0; i < PIPES; i++)
		pipes[i][0] = pipes[i][1] = -1;
	for (size_t i = 0; i < PIPES; i++)
		if ((i == ORDERS ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipes[i]) : pipe2(pipes[i], O_CLOEXEC)) !=
			0)
			return false;
	return true;
}

static void close_end(int pipes[PIPES][2], size_t which, int end)
{
	if (pipes[which][end] >= 0)
		close(pipes[which][end]);
	pipes[which][end] = -1;
}

int child_run(const struct child_options *options, struct child_result *result)
{
	int pipes[PIPES][2], why = 0;
	bool keeper = needs_keeper(options->limits), own_space = false;
	char *places[CONTAIN_PLACES] = {NULL}, **environment = merge_environment(options);
	double started = now_s();
	*result = (struct child_result){0};
	if (!open_pipes(pipes) || !environment)
		why = errno;
	if (keeper)
		find_places(options, places);
	struct contain_start start = {.options = options,
		.environment = environment,
		.out = pipes[OUT][1],
		.err = pipes[ERR][1],
		.started = pipes[STARTED][1],
		.told = pipes[TOLD][1],
		.orders = pipes[ORDERS][0]};
	for (size_t i = 0; i < CONTAIN_PLACES; i++)
		start.places[i] = places[i];
	pid_t pid = why ? -1 : launch(&start, keeper, &own_space);
	if (!why && pid < 0)
		why = errno;
	close_end(pipes, OUT, 1);
	close_end(pipes, ERR, 1);
	close_end(pipes, STARTED, 1);
	close_end(pipes, TOLD, 1);
	close_end(pipes, ORDERS, 0);
	if (!why) {
		setpgid(pid, pid); /* as the child does: whoever is first */
		size_t max = options->output_max ? options->output_max : OUTPUT_MAX;
		struct running r = {.options = options,
			.result = result,
			.pid = pid,
			.ended_fd = (int)syscall(SYS_pidfd_open, pid, 0),
			.started_fd = pipes[STARTED][0],
			.told = keeper ? pipes[TOLD][0] : -1,
			.orders = keeper ? pipes[ORDERS][1] : -1,
			.own_space = own_space,
			.started = started,
			.streams = {{.fd = pipes[OUT][0], .text = calloc(1, 1), .room = 1, .max = max},
				{.fd = pipes[ERR][0], .text = calloc(1, 1), .room = 1, .max = max}}};
		collect(&r);
		learn_end(&r);
		why = r.why;
		if (r.ended_fd >= 0)
			close(r.ended_fd);
		result->out = r.streams[0].text;
		result->err = r.streams[1].text;
		result->out_length = r.streams[0].length;
		result->err_length = r.streams[1].length;
		result->seconds = now_s() - started;
	}
	for (size_t i = 0; i < PIPES; i++)
		for (int end = 0; end < 2; end++)
			close_end(pipes, i, end);
	for (size_t i = 0; i < CONTAIN_PLACES; i++)
		free(places[i]);
	free(environment);
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
