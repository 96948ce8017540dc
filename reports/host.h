/* SPDX-License-Identifier: MIT */
/* The machine that a report was made on. */
#ifndef ONCEPROOF_HOST_H
#define ONCEPROOF_HOST_H

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

/* {id, os, kernel, architecture, cpu, cores_online, cores_usable, cpu_quota, memory_bytes, page_bytes, compiler, onceproof, date}.
 * The machine's name stays out of it, because results are published; `id` tells machines apart: a hash of this boot's random number.
 * cpu_quota is the number of cores that the control group grants, or null where nothing limits it. date is UTC, ISO 8601. */
json_t *host_describe(void);

/* The tightest CPU quota among the control groups that SELF (the text of /proc/self/cgroup) names under ROOT (/sys/fs/cgroup), in
 * cores; 0 where there is none. Both layouts of control groups are read. */
double host_cpu_quota(const char *root, const char *self);

/* The same for this process; 0 where there is none. */
double host_own_cpu_quota(void);

#ifdef __cplusplus
}
#endif

#endif
