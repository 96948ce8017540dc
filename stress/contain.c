/* SPDX-License-Identifier: MIT */
#include "contain.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

const char *contain_words(unsigned lacks)
{
	/* All sixteen: the words must outlive whoever asks, without memory of their own. */
#define FILES "its changes to files last"
#define SIGNALS "it can signal other processes of the user"
#define NETWORK "it has this machine's network"
#define WRITING "it cannot write in its current folder"
	static const char *const words[LACKS_ALL] = {NULL, FILES, SIGNALS, FILES ", " SIGNALS, NETWORK, FILES ", " NETWORK,
		SIGNALS ", " NETWORK, FILES ", " SIGNALS ", " NETWORK, WRITING, WRITING ", " FILES, WRITING ", " SIGNALS,
		WRITING ", " FILES ", " SIGNALS, WRITING ", " NETWORK, WRITING ", " FILES ", " NETWORK,
		WRITING ", " SIGNALS ", " NETWORK, WRITING ", " FILES ", " SIGNALS ", " NETWORK};
	return words[lacks & (LACKS_ALL - 1)];
}

void contain_say(int fd, enum contain_says what, int value)
{
	const int words[2] = {(int)what, value};
	ssize_t written = write(fd, words, sizeof words);
	(void)written;
}

static pid_t raw_fork(unsigned long spaces)
{
	/* Not fork(): its handlers wait for locks that other threads of the parent may have held. */
	return (pid_t)syscall(SYS_clone, spaces | SIGCHLD, NULL, NULL, NULL, NULL);
}

static void write_text(const char *path, const char *text, int *error)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		*error = errno;
	if (fd >= 0)
		close(fd);
}

/* All descriptors but those of COUNT numbers; the standard ones stay. */
static void close_others(const int *keep, size_t count)
{
	unsigned from = 3;
	while (true) {
		unsigned next = ~0u;
		for (size_t i = 0; i < count; i++)
			if (keep[i] >= (int)from && (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		if (next > from && syscall(SYS_close_range, from, next == ~0u ? ~0u : next - 1, 0) != 0)
			for (unsigned fd = from; fd < next && fd < 4096; fd++)
				close((int)fd);
		if (next == ~0u)
			return;
		from = next + 1;
	}
}

/* The program ------------------------------------------------------------------------------------------------------------------------ */

static void limit(enum __rlimit_resource what, uint64_t value)
{
	const struct rlimit both = {value, value};
	setrlimit(what, &both);
}

static void set_limits(const struct child_limits *limits)
{
	/* One byte: too little for a file, and the kernel's sign that no helper of the system is to be called with the core either (core(5)
	 * tells the first, fs/coredump.c the second). */
	limit(RLIMIT_CORE, 1);
	if (!limits)
		return;
	if (limits->file_bytes)
		limit(RLIMIT_FSIZE, limits->file_bytes);
	if (limits->cpu_s > 0) {
		const struct rlimit cpu = {(rlim_t)limits->cpu_s + 1, (rlim_t)limits->cpu_s + 2};
		setrlimit(RLIMIT_CPU, &cpu);
	}
}

static void plain_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 1; i < NSIG; i++)
		if (i != SIGKILL && i != SIGSTOP)
			signal(i, SIG_DFL);
}

/* The standard input: OPENED, or the file PATH. False with errno. */
static bool take_input(const char *path, int opened)
{
	struct pollfd writer = {opened, POLLIN, 0};
	struct stat info;
	int in = opened < 0 ? open(path, O_RDONLY) : opened;
	/* As a plain open() would have: until there is, or was, a writer. */
	if (opened >= 0 && fstat(opened, &info) == 0 && S_ISFIFO(info.st_mode))
		poll(&writer, 1, -1);
	if (opened >= 0)
		fcntl(opened, F_SETFL, 0);
	return in >= 0 && dup2(in, STDIN_FILENO) == STDIN_FILENO;
}

_Noreturn void contain_exec(const struct contain_start *start, int input)
{
	const struct child_options *options = start->options;
	set_limits(options->limits);
	plain_signals();
	int error = take_input(options->input ? options->input : "/dev/null", input) || !options->input ? 0 : errno;
	if (!options->inherit_output) {
		dup2(start->out, STDOUT_FILENO);
		dup2(start->err, STDERR_FILENO);
	}
	if (options->fixed_addresses && personality(ADDR_NO_RANDOMIZE) == -1)
		contain_say(start->started, SAYS_ADDRESSES_KEPT, 0);
	const int keep[] = {start->started, options->pass_fd};
	if (options->limits)
		close_others(keep, sizeof keep / sizeof *keep);
	if (options->pass_fd > 0)
		fcntl(options->pass_fd, F_SETFD, 0);
	if (!error && (!options->folder || chdir(options->folder) == 0))
		execvpe(options->argv[0], options->argv, start->environment);
	contain_say(start->started, SAYS_FAILED, error ? error : errno);
	_exit(127);
}

/* What root may keep in a user namespace of its own: to be root over files. Nothing that changes mounts, devices, the kernel or other
 * processes. Others lose all by the exec. */
static void drop_capabilities(void)
{
	static const int kept[] = {
		CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_NET_BIND_SERVICE};
	for (int i = 0; i <= 63; i++) {
		bool keep = false;
		for (size_t j = 0; j < sizeof kept / sizeof *kept; j++)
			keep |= kept[j] == i;
		if (!keep && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0 && errno == EINVAL)
			return;
	}
}

/* The program's side, in the keeper's child. HELLO and ANSWER: of the handshake over a user namespace; -1: none. */
static _Noreturn void be_program(const struct contain_keeper *keeper, int hello, int answer)
{
	const struct contain_start *start = keeper->start;
	const struct child_limits *limits = start->options->limits;
	char byte = 0;
	/* A session of its own: no terminal. */
	setsid();
	if (hello >= 0) {
		byte = unshare(CLONE_NEWUSER) == 0 ? 'u' : 'x';
		if (write(hello, &byte, 1) != 1 || read(answer, &byte, 1) != 1 || byte != 'u')
			_exit(127);
	}
	if (limits->contain) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (keeper->own_space && geteuid() == 0)
			drop_capabilities();
		unsigned lacks = keeper->lacks;
		bool files = lacks & LACKS_FILES, signals = lacks & LACKS_SIGNALS;
		if (files || signals)
			lacks = (lacks & ~(unsigned)(LACKS_FILES | LACKS_SIGNALS)) | contain_refuse(start, files, signals);
		if (lacks)
			contain_say(start->started, SAYS_LACKS, (int)lacks);
	}
	/* In a user namespace only its own are counted. As root nothing is counted: limit_numbers() did that. */
	if (limits->processes && keeper->own_user)
		limit(RLIMIT_NPROC, limits->processes + CONTAIN_SLACK_PROCESSES);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	contain_exec(start, keeper->input);
}

/* The keeper ------------------------------------------------------------------------------------------------------------------------- */

/* Users inside are the same as outside: for root all, else the one. As the one who is mapped, or with the rights of the namespace outside. */
static int map_users(const char *process, bool all, uid_t user, gid_t group)
{
	char path[64], text[4096];
	int error = 0;
	for (int groups = 0; groups < 2; groups++) {
		const char *file = groups ? "gid_map" : "uid_map";
		size_t length = 0;
		if (all) {
			/* "inside outside count" of the namespace that we are in. */
			unsigned long from, outer, count;
			snprintf(path, sizeof path, "/proc/self/%s", file);
			int fd = open(path, O_RDONLY | O_CLOEXEC);
			char lines[2048];
			ssize_t got = fd >= 0 ? read(fd, lines, sizeof lines - 1) : -1;
			if (fd >= 0)
				close(fd);
			if (got <= 0)
				return ENOENT;
			lines[got] = '\0';
			for (char *line = lines; *line; line += strcspn(line, "\n"), line += *line == '\n')
				if (sscanf(line, "%lu %lu %lu", &from, &outer, &count) == 3)
					length += (size_t)snprintf(
						text + length, sizeof text - length, "%lu %lu %lu\n", from, from, count);
		} else {
			unsigned number = groups ? group : user;
			snprintf(text, sizeof text, "%u %u 1\n", number, number);
			if (groups) {
				snprintf(path, sizeof path, "/proc/%s/setgroups", process);
				write_text(path, "deny", &error);
			}
		}
		snprintf(path, sizeof path, "/proc/%s/%s", process, file);
		write_text(path, text, &error);
	}
	return error;
}

static void raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		ioctl(fd, SIOCSIFFLAGS, &request);
		close(fd);
	}
}

/* The program, in a user namespace of its own where there is none yet. */
static pid_t start_program(const struct contain_keeper *keeper)
{
	int hello[2] = {-1, -1}, answer[2] = {-1, -1};
	char byte = 0, number[16];
	/* Root over files, but not over mounts: these belong to the namespace outside. */
	bool user = keeper->own_space && !keeper->own_user && keeper->fresh_proc && keeper->start->options->limits->contain &&
		    pipe2(hello, O_CLOEXEC) == 0 && pipe2(answer, O_CLOEXEC) == 0;
	pid_t program = raw_fork(0);
	if (program == 0)
		be_program(keeper, user ? hello[1] : -1, answer[0]);
	if (program > 0 && user) {
		snprintf(number, sizeof number, "%d", program);
		close(hello[1]);
		byte = read(hello[0], &byte, 1) == 1 && byte == 'u' && map_users(number, true, 0, 0) == 0 ? 'u' : 'x';
		ssize_t written = write(answer[1], &byte, 1);
		(void)written;
	}
	for (int i = 0; i < 2 && user; i++) {
		close(answer[i]);
		if (i == 0)
			close(hello[0]);
	}
	if (program > 0 && user && byte != 'u') {
		waitpid(program, NULL, 0);
		program = raw_fork(0);
		if (program == 0)
			be_program(keeper, -1, -1);
	}
	return program;
}

static _Noreturn void be_keeper(const struct contain_start *start, unsigned long spaces, uid_t user, gid_t group)
{
	struct contain_keeper keeper = {.start = start,
		.own_space = spaces & CLONE_NEWPID,
		.own_user = spaces & CLONE_NEWUSER,
		.input = -1,
		.proc = -1,
		.scratch = -1};
	if (start->options->input) {
		keeper.input = open(start->options->input, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (keeper.input < 0) {
			contain_say(start->started, SAYS_FAILED, errno);
			_exit(0);
		}
	}
	const int keep[] = {
		start->out, start->err, start->started, start->told, start->orders, start->options->pass_fd, keeper.input};
	int error = 0;
	close_others(keep, sizeof keep / sizeof *keep);
	setsid();
	plain_signals();
	if (keeper.own_space)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	else
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* Rather the program than others, when memory ends. */
	write_text("/proc/self/oom_score_adj", "1000", &error);
	if (keeper.own_user)
		map_users("self", false, user, group);
	/* Nobody looks into the keeper; but from here on its files in /proc belong to root. */
	prctl(PR_SET_DUMPABLE, 0);
	if (spaces & CLONE_NEWNET)
		raise_loopback();
	else
		keeper.lacks |= LACKS_NETWORK;
	if (spaces & CLONE_NEWNS)
		contain_files(&keeper);
	else
		keeper.lacks |= LACKS_FILES | LACKS_SIGNALS;
	if (keeper.proc < 0)
		keeper.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t program = start_program(&keeper);
	if (program < 0)
		contain_say(start->started, SAYS_FAILED, errno);
	close(start->started);
	close(start->out);
	close(start->err);
	if (program > 0)
		contain_watch(&keeper, program);
	_exit(0);
}

pid_t contain_fork(const struct contain_start *start, bool *own_space)
{
	const unsigned long all = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC, net = CLONE_NEWNET, own = CLONE_NEWUSER;
	const unsigned long tries[] = {all | net, all, all | own | net, all | own, 0};
	uid_t user = geteuid();
	gid_t group = getegid();
	pid_t pid = -1;
	for (size_t i = start->options->limits->contain ? user == 0 ? 0 : 2 : 4; pid < 0 && i < sizeof tries / sizeof *tries;
		i++) {
		pid = raw_fork(tries[i]);
		if (pid == 0)
			be_keeper(start, tries[i], user, group);
		*own_space = tries[i] & CLONE_NEWPID;
	}
	return pid;
}
