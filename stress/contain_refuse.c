/* SPDX-License-Identifier: MIT */
/* What can be refused to a program without namespaces: by Landlock (Linux 5.13; signals since 6.12) changes to files outside of its private
 * folder and signals to others; else by a filter of system calls at least signals to those who wait for it. */
#include "contain.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of Debian 12; see landlock(7). */
enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_SCOPES = 6, SCOPE_ABSTRACT_SOCKETS = 1, SCOPE_SIGNALS = 2 };
struct ruleset {
	uint64_t files, net, scoped;
};
static const uint64_t truncating = 1ull << 14;
static const uint64_t changing = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
				 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
				 LANDLOCK_ACCESS_FS_MAKE_SYM;

static void allow(int rules, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
	if (rule.parent_fd < 0)
		return;
	syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

/* The folder of the program, if it is one that onceproof made for it. */
static bool private_folder(const char *program, char *folder, size_t bytes)
{
	snprintf(folder, bytes, "%s", program);
	char *slash = strrchr(folder, '/');
	if (!slash)
		return false;
	*slash = '\0';
	slash = strrchr(folder, '/');
	return strncmp(slash ? slash + 1 : folder, "onceproof-private-", 18) == 0;
}

/* Bits of LACKS_* that hold then. */
static unsigned landlock(const struct contain_start *start, bool files, bool signals)
{
	static const char *const devices[] = {
		"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/proc/self"};
	unsigned lacks = (files ? LACKS_FILES : 0u) | (signals ? LACKS_SIGNALS : 0u);
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return lacks;
	const uint64_t more = (abi >= ABI_REFER ? LANDLOCK_ACCESS_FS_REFER : 0) | (abi >= ABI_TRUNCATE ? truncating : 0);
	struct ruleset set = {.files = files ? changing | more : 0,
		.scoped = abi >= ABI_SCOPES && signals ? SCOPE_SIGNALS | SCOPE_ABSTRACT_SOCKETS : 0};
	size_t bytes = abi >= ABI_SCOPES ? sizeof set : abi >= ABI_NET ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
	int rules = (int)syscall(SYS_landlock_create_ruleset, &set, bytes, 0);
	if (rules < 0)
		return lacks;
	char folder[4096];
	for (size_t i = 0; files && i < sizeof devices / sizeof *devices; i++)
		allow(rules, devices[i], LANDLOCK_ACCESS_FS_WRITE_FILE | (set.files & truncating));
	if (files)
		allow(rules, "/dev/shm", set.files);
	if (files && start->options->limits->writes_beside && private_folder(start->options->argv[0], folder, sizeof folder))
		allow(rules, folder, set.files);
	if (syscall(SYS_landlock_restrict_self, rules, 0) == 0)
		lacks = (files ? LACKS_WRITING : 0u) | (set.scoped || !signals ? 0u : LACKS_SIGNALS);
	close(rules);
	return lacks;
}

enum { GUARDED_MAX = 16, FILTER_MAX = 128 };

/* The processes from this one's parent upwards, and their groups. */
static size_t guarded(int numbers[2 * GUARDED_MAX])
{
	size_t count = 0;
	for (int pid = getppid(); pid > 0 && count < (size_t)2 * GUARDED_MAX;) {
		char path[32], text[512], *at;
		int parent = 0, group = 0;
		snprintf(path, sizeof path, "/proc/%d/stat", pid);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
		if (fd >= 0)
			close(fd);
		numbers[count++] = pid;
		if (got <= 0)
			break;
		text[got] = '\0';
		at = strrchr(text, ')');
		if (!at || sscanf(at + 1, " %*c %d %d", &parent, &group) != 2)
			break;
		if (group > 1)
			numbers[count++] = -group;
		pid = parent;
	}
	return count;
}

/* A block of the filter: refuses when argument ARGUMENT is one of NUMBERS, else allows. Returns its length. */
static size_t compare(struct sock_filter *code, unsigned argument, const int *numbers, size_t count)
{
	size_t at = 0, refuse = count + 2;
	code[at++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t)));
	for (size_t i = 0; i < count; i++, at++)
		code[at] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)numbers[i], (uint8_t)(refuse - at - 1), 0);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	return at;
}

/* By the argument that says which process: signals have it in front, ptrace behind what is wanted. */
static void filter_calls(void)
{
	static const int first[] = {
		SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_process_vm_writev};
	enum { FIRST = sizeof first / sizeof *first };
	int numbers[2 * GUARDED_MAX + 1] = {-1};
	struct sock_filter code[FILTER_MAX];
	size_t count = 1 + guarded(numbers + 1), at = 0;
	/* Behind the choice of FIRST + 4 instructions: the block of the first argument, then that of the second. */
	const size_t block = FIRST + 5, length = count + 3;
	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < FIRST; i++, at++)
		code[at] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)first[i], (uint8_t)(block - at - 1), 0);
	code[at] = (struct sock_filter)BPF_JUMP(
		BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SYS_ptrace, (uint8_t)(block + length - at - 1), 0);
	at++;
	code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SYS_pidfd_send_signal, 0, 1);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	at += compare(code + at, 0, numbers, count);
	at += compare(code + at, 1, numbers, count);
	const struct sock_fprog program = {(unsigned short)at, code};
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

unsigned contain_refuse(const struct contain_start *start, bool files, bool signals)
{
	unsigned lacks = landlock(start, files, signals);
	if (lacks & LACKS_SIGNALS)
		filter_calls();
	return lacks;
}
