/* SPDX-License-Identifier: MIT */
/* Linked to users' programs that run under ThreadSanitizer: writes each report of the runtime as lines to the descriptor that
 * ONCEPROOF_TSAN_TO names, when it comes, so that they are there also if the program does not end in order:
 *
 *   report data-race
 *   access WRITE(0|1) BYTES ATOMIC(0|1) THREAD     a memory access, or (-1) a stack without one
 *   frame OFFSET                                   its call stack, innermost first: return addresses, in hexadecimal, counted from
 *                                                  where the program begins
 *   end
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ACCESSES_MAX = 4, FRAMES_MAX = 24, TEXT_MAX = 8192 };

/* The debugging interface of the runtime (compiler-rt, lib/tsan/rtl/tsan_debugging.cpp); no header declares it. */
int __tsan_get_report_data(void *report, const char **description, int *count, int *stack_count, int *mop_count, int *loc_count,
	int *mutex_count, int *thread_count, int *unique_tid_count, void **sleep_trace, unsigned long trace_size);
int __tsan_get_report_mop(void *report, unsigned long idx, int *tid, void **addr, int *size, int *write, int *atomic,
	void **trace, unsigned long trace_size);
int __tsan_get_report_stack(void *report, unsigned long idx, void **trace, unsigned long trace_size);
void __tsan_on_report(void *report);

/* Set before main, while there is one thread. */
static int to = -1;

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("ONCEPROOF_TSAN_TO");
	if (text)
		to = atoi(text);
	/* Its children would mix their reports in. */
	if (to >= 0)
		fcntl(to, F_SETFD, FD_CLOEXEC);
}

/* Where the program begins in memory: the linker's symbol. */
extern const char __executable_start[];

static size_t add_frames(char *text, size_t length, void *const *frames)
{
	for (int i = 0; i < FRAMES_MAX && frames[i] && length < TEXT_MAX - 64; i++)
		length += (size_t)snprintf(text + length, TEXT_MAX - length, "frame %lx\n",
			(unsigned long)((const char *)frames[i] - __executable_start));
	return length;
}

/* Called by the runtime with its locks held, one report at a time: no allocation and no locks here. */
void __tsan_on_report(void *report)
{
	static char text[TEXT_MAX];
	const char *type = "";
	int count, stacks = 0, accesses = 0, locations, mutexes, threads, unique;
	void *sleep[1];
	if (to < 0)
		return;
	__tsan_get_report_data(report, &type, &count, &stacks, &accesses, &locations, &mutexes, &threads, &unique, sleep, 1);
	size_t length = (size_t)snprintf(text, sizeof text, "report %.64s\n", type);
	for (int i = 0; i < accesses && i < ACCESSES_MAX; i++) {
		int thread, bytes, writes, atomic;
		void *address, *frames[FRAMES_MAX] = {NULL};
		__tsan_get_report_mop(report, (unsigned long)i, &thread, &address, &bytes, &writes, &atomic, frames, FRAMES_MAX);
		length +=
			(size_t)snprintf(text + length, TEXT_MAX - length, "access %d %d %d %d\n", writes, bytes, atomic, thread);
		length = add_frames(text, length, frames);
	}
	for (int i = 0; accesses == 0 && i < stacks && i < ACCESSES_MAX; i++) {
		void *frames[FRAMES_MAX] = {NULL};
		__tsan_get_report_stack(report, (unsigned long)i, frames, FRAMES_MAX);
		length += (size_t)snprintf(text + length, TEXT_MAX - length, "access 0 0 0 -1\n");
		length = add_frames(text, length, frames);
	}
	length += (size_t)snprintf(text + length, TEXT_MAX - length, "end\n");
	for (size_t done = 0; done < length;) {
		ssize_t wrote = write(to, text + done, length - done);
		if (wrote <= 0)
			break;
		done += (size_t)wrote;
	}
}
