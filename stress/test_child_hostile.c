/* SPDX-License-Identifier: MIT */
#include "test_child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Is this the first program of a process namespace? On a machine as a whole number 2 is never a program. */
static bool enclosed(void)
{
	return getpid() == 2 && getppid() == 1;
}

static int signal_others(const char *how)
{
	if (!enclosed())
		return 77;
	if (strcmp(how, "kill-parent") == 0)
		return kill(getppid(), SIGKILL);
	if (strcmp(how, "stop-parent") == 0)
		return kill(getppid(), SIGSTOP);
	if (strcmp(how, "kill-all") == 0)
		return kill(-1, SIGKILL);
	if (strcmp(how, "kill-group") == 0)
		return kill(0, SIGKILL);
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static void *take_memory(size_t bytes)
{
	char *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; block != MAP_FAILED && i < bytes; i += 4096)
		block[i] = 1;
	return block;
}

static int memory(const char *how)
{
	enum { MIB = 1 << 20, CHILDREN = 20 };
	if (strcmp(how, "memory") == 0)
		while (take_memory(MIB) != MAP_FAILED)
			continue;
	if (strcmp(how, "memory-of-many") == 0)
		for (int i = 0; i < CHILDREN; i++)
			if (fork() == 0) {
				take_memory((size_t)8 * MIB);
				while (true)
					pause();
			}
	if (strcmp(how, "memory-in-files") == 0) {
		static char text[MIB];
		for (int i = 0; i < 10; i++) {
			char name[32];
			snprintf(name, sizeof name, "/tmp/filled-%d", i);
			int fd = open(name, O_CREAT | O_WRONLY, 0600);
			for (int j = 0; j < 6 && write(fd, text, sizeof text) > 0; j++)
				continue;
		}
		/* The file system in memory has room for 64 MiB; with the program's own that is over the limit. */
		take_memory((size_t)16 * MIB);
	}
	if (strcmp(how, "shared") == 0) {
		take_memory((size_t)64 * MIB);
		for (int i = 0; i < CHILDREN; i++)
			if (fork() == 0) {
				usleep(300000);
				_exit(0);
			}
		while (wait(NULL) > 0)
			continue;
		return 0;
	}
	while (true)
		pause();
}

static void *sleeper(void *arg)
{
	while (true)
		pause();
	return arg;
}

static int multiply(const char *how)
{
	pthread_t thread;
	/* Where it is not kept in, it stays small. */
	unsigned turns = enclosed() ? ~0u : 7;
	for (unsigned i = 0; strcmp(how, "bomb") == 0 && i < turns; i++)
		if (fork() < 0)
			break;
	for (int i = 0; strcmp(how, "threads") == 0 && i < 100; i++)
		if (pthread_create(&thread, NULL, sleeper, NULL) != 0)
			break;
	pause();
	return 1;
}

static int write_for_ever(int fd)
{
	static char text[1 << 16];
	uint64_t total = 0;
	while (fd >= 0 && total < (uint64_t)10 << 30) {
		ssize_t done = write(fd, text, sizeof text);
		if (done < 0)
			return 1;
		total += (uint64_t)done;
	}
	return 2;
}

static int remove_all(const char *folder)
{
	char path[512];
	if (chdir(folder) != 0 || unlink("kept") != 0)
		return errno == EROFS || errno == EACCES ? 3 : 1;
	snprintf(path, sizeof path, "%s/new", folder);
	int fd = open("new", O_CREAT | O_WRONLY, 0600);
	return fd < 0 || access(path, F_OK) != 0 || access("kept", F_OK) == 0 || unlink("new") != 0 ||
	       (rmdir(folder) != 0 && errno != EBUSY);
}

/* A process that nobody of its family knows any more, with the pipes in its hands. */
static int make_daemon(void)
{
	if (fork() != 0) {
		puts("started");
		return 0;
	}
	setsid();
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_IGN);
	if (fork() != 0)
		_exit(0);
	while (true)
		pause();
}

static int objects(const char *name)
{
	int key = 0x6f70 + getpid(), shared = shm_open(name, O_CREAT | O_RDWR, 0600), block = shmget(key, 4096, IPC_CREAT | 0600);
	sem_t *semaphore = sem_open(name, O_CREAT, 0600, 1);
	printf("%d\n", key);
	/* A namespace takes it along. Elsewhere it would stay. */
	if (block >= 0 && !enclosed())
		shmctl(block, IPC_RMID, NULL);
	return shared < 0 || block < 0 || semaphore == SEM_FAILED;
}

static int loopback(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	return bind(server, (struct sockaddr *)&address, sizeof address) != 0 || listen(server, 1) != 0 ||
	       getsockname(server, (struct sockaddr *)&address, &length) != 0 ||
	       connect(client, (struct sockaddr *)&address, sizeof address) != 0;
}

static int places(void)
{
	char temporary[] = "/tmp/onceproof-hostile.XXXXXX", text[16];
	int made = mkstemp(temporary), null = open("/dev/null", O_WRONLY), random = open("/dev/urandom", O_RDONLY),
	    name = open("/proc/self/comm", O_WRONLY);
	return made < 0 || unlink(temporary) != 0 || write(null, "x", 1) != 1 || read(random, text, 4) != 4 ||
	       write(name, "named", 5) != 5 || access("/proc/self/exe", X_OK) != 0 || access("/etc/passwd", R_OK) != 0;
}

static volatile sig_atomic_t asked;

static void ask(int signal)
{
	(void)signal;
	asked = 1;
}

static int polite(void)
{
	signal(SIGINT, ask);
	while (!asked)
		usleep(1000);
	puts("ends in order");
	return 0;
}

int hostile_main(const char *how, const char *argument)
{
	if (strcmp(how, "nothing") == 0)
		return 0;
	if (strcmp(how, "reach") == 0)
		return (getppid() != 1 && kill(getppid(), 0) == 0) || ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
	if (strncmp(how, "kill-", 5) == 0 || strstr(how, "-parent"))
		return signal_others(how);
	if (strncmp(how, "memory", 6) == 0 || strcmp(how, "shared") == 0)
		return memory(how);
	if (strcmp(how, "bomb") == 0 || strcmp(how, "threads") == 0)
		return multiply(how);
	if (strcmp(how, "output") == 0)
		return write_for_ever(STDOUT_FILENO);
	if (strcmp(how, "file") == 0)
		return write_for_ever(open(argument, O_CREAT | O_WRONLY, 0600));
	if (strcmp(how, "remove") == 0)
		return remove_all(argument);
	if (strcmp(how, "daemon") == 0)
		return make_daemon();
	if (strcmp(how, "objects") == 0)
		return objects(argument);
	if (strcmp(how, "loopback") == 0)
		return loopback();
	if (strcmp(how, "places") == 0)
		return places();
	if (strcmp(how, "terminal") == 0)
		return open("/dev/tty", O_RDWR) >= 0 || getsid(0) != getpid();
	if (strcmp(how, "polite") == 0)
		return polite();
	if (strcmp(how, "close-all") == 0)
		return close_range(0, ~0u, 0);
	if (strcmp(how, "stubborn") == 0)
		for (int i = 1; i < NSIG; i++)
			signal(i, SIG_IGN);
	/* A loop that does nothing may be taken to end (C11 6.8.5); one that reads a volatile object does something. */
	volatile bool turning = strcmp(how, "loop") == 0 || strcmp(how, "stubborn") == 0;
	while (turning)
		continue;
	return 99;
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) >= 0;
	if (fd >= 0)
		close(fd);
	return done;
}

/* As on a system that is older than it. */
static bool hide_landlock(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof code / sizeof *code, code};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

bool refuse_namespaces(bool landlock)
{
	char map[32];
	unsigned user = geteuid();
	if (unshare(CLONE_NEWUSER) != 0 || !put("/proc/self/setgroups", "deny"))
		return false;
	snprintf(map, sizeof map, "%u %u 1", user, user);
	if (!put("/proc/self/uid_map", map) || !put("/proc/sys/user/max_user_namespaces", "0"))
		return false;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};
	for (int i = 0; prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0; i++)
		continue;
	return syscall(SYS_capset, &header, none) == 0 && (landlock || hide_landlock());
}
