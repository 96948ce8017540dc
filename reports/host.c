/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "node.h"
#include "result.h"

/* The value of the first line of PATH that starts with KEY: what follows SEPARATOR, without blanks and quotes. False if none. */
static bool find_line(const char *path, const char *key, char separator, char *value, size_t bytes)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	char line[512];
	bool found = false;
	while (!found && fgets(line, sizeof line, file)) {
		char *at = strchr(line, separator);
		if (strncmp(line, key, strlen(key)) != 0 || !at)
			continue;
		at++;
		at += strspn(at, " \t\"");
		at[strcspn(at, "\"\n")] = '\0';
		snprintf(value, bytes, "%s", at);
		found = true;
	}
	fclose(file);
	return found;
}

static bool read_numbers(const char *path, char *first, size_t bytes, double *second)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	char word[64] = "";
	int got = fscanf(file, "%63s %lf", word, second);
	fclose(file);
	snprintf(first, bytes, "%s", word);
	return got >= 1;
}

/* The quota of one group, 0 if it has none. Version 2 keeps "max 100000" or "200000 100000" in one file, version 1 two files. */
static double group_quota(const char *directory)
{
	char path[PATH_MAX + 32], word[64];
	double period = 0;
	snprintf(path, sizeof path, "%s/cpu.max", directory);
	if (read_numbers(path, word, sizeof word, &period)) {
		double quota = strtod(word, NULL);
		return quota > 0 && period > 0 ? quota / period : 0;
	}
	double unused = 0;
	snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", directory);
	if (!read_numbers(path, word, sizeof word, &unused))
		return 0;
	double quota = strtod(word, NULL);
	snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory);
	if (quota <= 0 || !read_numbers(path, word, sizeof word, &unused))
		return 0;
	period = strtod(word, NULL);
	return period > 0 ? quota / period : 0;
}

/* A limit holds for everything below it, so every group from GROUP up to the top counts. */
static double tightest_quota(const char *top, const char *group)
{
	char directory[PATH_MAX];
	int length = snprintf(directory, sizeof directory, "%s%s", top, group);
	if (length < 0 || (size_t)length >= sizeof directory)
		return 0;
	double tightest = 0;
	for (;;) {
		double quota = group_quota(directory);
		if (quota > 0 && (tightest == 0 || quota < tightest))
			tightest = quota;
		char *slash = strrchr(directory, '/');
		if (!slash || strlen(directory) <= strlen(top))
			return tightest;
		*slash = '\0';
	}
}

double host_cpu_quota(const char *root, const char *self)
{
	char *copy = strdup(self);
	if (!copy)
		return 0;
	double tightest = 0;
	char *rest = copy;
	for (char *line; (line = strsep(&rest, "\n"));) {
		strsep(&line, ":"); /* the number of the hierarchy */
		char *controllers = strsep(&line, ":");
		if (!line || !controllers)
			continue;
		char top[PATH_MAX], padded[256];
		snprintf(padded, sizeof padded, ",%s,", controllers);
		bool version2 = controllers[0] == '\0';
		if (!version2 && !strstr(padded, ",cpu,"))
			continue;
		snprintf(top, sizeof top, "%s%s%s", root, version2 ? "" : "/", controllers);
		double quota = tightest_quota(top, line);
		if (quota > 0 && (tightest == 0 || quota < tightest))
			tightest = quota;
	}
	free(copy);
	return tightest;
}

/* A number that is the same for all processes of this boot of this machine, and says nothing about either (FNV-1a, 64 bits). */
static void machine_id(char *id, size_t bytes)
{
	char boot[64] = "";
	double unused;
	read_numbers("/proc/sys/kernel/random/boot_id", boot, sizeof boot, &unused);
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (const char *at = boot; *at; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
	snprintf(id, bytes, "%016" PRIx64, hash);
}

double host_own_cpu_quota(void)
{
	char self[8192];
	FILE *file = fopen("/proc/self/cgroup", "re");
	if (!file)
		return 0;
	self[fread(self, 1, sizeof self - 1, file)] = '\0';
	fclose(file);
	return host_cpu_quota("/sys/fs/cgroup", self);
}

json_t *host_describe(void)
{
	json_t *host = node_must(json_object());
	char text[512];
	machine_id(text, sizeof text);
	node_set(host, "id", node_text(text));

	struct utsname kernel = {0};
	uname(&kernel);
	if (!find_line("/etc/os-release", "PRETTY_NAME=", '=', text, sizeof text))
		snprintf(text, sizeof text, "%s", kernel.sysname);
	node_set(host, "os", node_text(text));
	snprintf(text, sizeof text, "%s %s", kernel.sysname, kernel.release);
	node_set(host, "kernel", node_text(text));
	node_set(host, "architecture", node_text(kernel.machine));
	/* ARM kernels name no model; the architecture stands for it. */
	if (!find_line("/proc/cpuinfo", "model name", ':', text, sizeof text))
		snprintf(text, sizeof text, "%s", kernel.machine);
	node_set(host, "cpu", node_text(text));

	cpu_set_t usable;
	node_set(host, "cores_online", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	node_set(host, "cores_usable",
		sched_getaffinity(0, sizeof usable, &usable) == 0 ? json_integer(CPU_COUNT(&usable)) : json_null());
	double quota = host_own_cpu_quota();
	node_set(host, "cpu_quota", quota > 0 ? json_real(quota) : json_null());
	long page = sysconf(_SC_PAGESIZE);
	node_set(host, "memory_bytes", json_integer((json_int_t)sysconf(_SC_PHYS_PAGES) * page));
	node_set(host, "page_bytes", json_integer(page));
	node_set(host, "compiler", node_text(compiler_name()));
	node_set(host, "onceproof", node_text(ONCEPROOF_VERSION));

	time_t now = time(NULL);
	struct tm utc;
	gmtime_r(&now, &utc);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
	node_set(host, "date", node_text(text));
	return host;
}
