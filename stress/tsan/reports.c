/* SPDX-License-Identifier: MIT */
#include "reports.h"

#if defined(__SANITIZE_THREAD__)
#define TSAN_ON 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN_ON 1
#endif
#endif

#ifdef TSAN_ON
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { REPORTS_MAX = 64, ACCESSES_MAX = 4, FRAMES_MAX = 16 };

struct access {
	int thread, bytes, write, atomic;
	void *frames[FRAMES_MAX];
};

struct report {
	char type[48];
	int access_count;
	struct access accesses[ACCESSES_MAX];
};

/* Written by the runtime's callback, which never runs twice at once (the runtime holds its report lock); read after the threads ended. */
static struct report reports[REPORTS_MAX];
static int report_count;

/* The debugging interface of the runtime (compiler-rt, lib/tsan/rtl/tsan_debugging.cpp); no header declares it. */
int __tsan_get_report_data(void *report, const char **description, int *count, int *stack_count, int *mop_count, int *loc_count,
	int *mutex_count, int *thread_count, int *unique_tid_count, void **sleep_trace, unsigned long trace_size);
int __tsan_get_report_mop(void *report, unsigned long idx, int *tid, void **addr, int *size, int *write, int *atomic,
	void **trace, unsigned long trace_size);
int __tsan_get_report_stack(void *report, unsigned long idx, void **trace, unsigned long trace_size);
void __tsan_on_report(void *report);

/* Called by the runtime with its locks held: no allocation, no symbolising, no locks here. */
__attribute__((no_sanitize("thread"))) void __tsan_on_report(void *report)
{
	if (report_count == REPORTS_MAX)
		return;
	struct report *it = &reports[report_count++];
	const char *type = "";
	int count, stacks = 0, accesses = 0, locations, mutexes, threads, unique;
	void *sleep[1];
	__tsan_get_report_data(report, &type, &count, &stacks, &accesses, &locations, &mutexes, &threads, &unique, sleep, 1);
	snprintf(it->type, sizeof it->type, "%s", type);
	for (int i = 0; i < accesses && i < ACCESSES_MAX; i++) {
		struct access *to = &it->accesses[it->access_count++];
		void *address;
		__tsan_get_report_mop(report, (unsigned long)i, &to->thread, &address, &to->bytes, &to->write, &to->atomic,
			to->frames, FRAMES_MAX);
	}
	/* Reports without a memory access (a lock-order inversion, a misused mutex) have stacks only. */
	for (int i = 0; accesses == 0 && i < stacks && i < ACCESSES_MAX; i++)
		__tsan_get_report_stack(report, (unsigned long)i, it->accesses[it->access_count++].frames, FRAMES_MAX);
}

static json_t *frames_json(void *const frames[FRAMES_MAX])
{
	json_t *list = json_array();
	for (int i = 0; i < FRAMES_MAX && frames[i]; i++) {
		/* The runtime gives return addresses; one less lies inside the call. */
		const char *pc = (const char *)frames[i] - 1;
		Dl_info info;
		if (!dladdr(pc, &info) || !info.dli_fbase)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:I}", "module", info.dli_fname ? info.dli_fname : "", "offset",
						    (json_int_t)(pc - (const char *)info.dli_fbase)));
	}
	return list;
}

bool tsan_is_on(void)
{
	return true;
}

json_t *tsan_reports(void)
{
	json_t *list = json_array();
	for (int i = 0; i < report_count; i++) {
		json_t *accesses = json_array();
		for (int a = 0; a < reports[i].access_count; a++) {
			const struct access *it = &reports[i].accesses[a];
			json_array_append_new(
				accesses, json_pack("{s:b, s:i, s:b, s:i, s:o}", "write", it->write, "bytes", it->bytes, "atomic",
						  it->atomic, "thread", it->thread, "frames", frames_json(it->frames)));
		}
		json_array_append_new(list, json_pack("{s:s, s:o}", "type", reports[i].type, "accesses", accesses));
	}
	return list;
}
#else
bool tsan_is_on(void)
{
	return false;
}

json_t *tsan_reports(void)
{
	return json_array();
}
#endif
