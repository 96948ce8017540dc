/* SPDX-License-Identifier: MIT */
/* The machines that prices come from: one, or those of a merge. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "facts_parts.h"
#include "node.h"

/* The host that measured what is marked with KEY: a host's id, or for a second run there the id with a '/' and more behind it. */
static const json_t *host_of(const json_t *report, const char *key)
{
	size_t i;
	const json_t *host;
	json_array_foreach(node_get(report, "hosts"), i, host) {
		const char *id = node_string(host, "id");
		size_t length = strlen(id);
		if (length && strncmp(key, id, length) == 0 && (key[length] == '\0' || key[length] == '/'))
			return host;
	}
	return *key ? NULL : node_get(report, "host");
}

static void set_text(json_t *object, const char *key, const char *text)
{
	if (*text)
		node_set(object, key, node_text(text));
}

/* A member of CONTEXT that Google Benchmark writes as text and we as a number. */
static double context_number(const json_t *context, const char *key)
{
	double number = node_number(context, key, 0);
	return number > 0 ? number : strtod(node_string(context, key), NULL);
}

/* "2 cores" where nobody has measured the machine. */
static json_t *plain_class(double cores)
{
	return node_must(cores > 0 ? json_sprintf("%.0f core%s", fmin(cores, 1e6), cores == 1 ? "" : "s") : json_string(""));
}

/* The machine as the whole run saw it, with what the study of the machine measured more closely; or NULL. New reference. */
static json_t *measured_machine(const json_t *context, const json_t *studies)
{
	static const char *const closer[] = {"depth", "cycle_ns", "cycle_ns_per_cpu", "l1_load_ns", "load_branch_ns",
		"lock_xadd_ns", "ping_pong", "wake_ns", "clock_ns", "clock_step_ns", "sleep_overshoot_ns", "class"};
	const json_t *look = node_get(context, "machine"), *study = node_get(studies, "machine");
	if (!json_is_object(look))
		return json_is_object(study) ? node_must(json_copy((json_t *)study)) : NULL;
	json_t *machine = node_must(json_copy((json_t *)look));
	for (size_t i = 0; i < sizeof closer / sizeof *closer; i++)
		if (node_get(study, closer[i]) && !json_is_null(node_get(study, closer[i])))
			node_set(machine, closer[i], json_incref(node_get(study, closer[i])));
	return machine;
}

/* The studies of the machine KEY: of one machine as they stand, of several below their keys. */
static const json_t *studies_of(const json_t *report, const char *key)
{
	const json_t *studies = node_get(node_get(report, "benchmarks"), "studies");
	return node_get(node_get(report, "benchmarks"), "contexts") ? node_get(studies, key) : studies;
}

static void add_machine(json_t *machines, const json_t *report, const char *key, const json_t *context)
{
	json_t *machine = node_append(machines, json_object());
	const json_t *host = host_of(report, key);
	json_t *measured = measured_machine(context, studies_of(report, key));
	node_set(machine, "key", node_text(key));
	node_set(machine, "label", node_text(key));
	const char *cpu = node_string(measured, "cpu_model");
	cpu = *cpu ? cpu : *node_string(context, "cpu_model") ? node_string(context, "cpu_model") : node_string(host, "cpu");
	set_text(machine, "cpu", cpu);
	set_text(machine, "compiler",
		*node_string(context, "compiler") ? node_string(context, "compiler") : node_string(host, "compiler"));
	set_text(machine, "plan", node_string(context, "plan"));
	set_text(machine, "version", node_string(context, "onceproof_version"));
	set_text(machine, "date", node_string(context, "date"));
	double cores = node_number(measured, "cores", context_number(context, "cores_usable"));
	if (cores <= 0)
		cores = node_number(host, "cores_usable", node_number(host, "cores_online", 0));
	node_set(machine, "cores", json_real(cores));
	node_set(machine, "class",
		*node_string(measured, "class") ? node_text(node_string(measured, "class")) : plain_class(cores));
	node_set(machine, "processes", json_real(context_number(context, "processes")));
	node_set(machine, "window_ms", json_real(context_number(context, "window_ms")));
	node_set(machine, "dropped", json_real(context_number(context, "dropped")));
	node_set(machine, "loaded", json_boolean(json_is_true(node_get(measured, "loaded"))));
	node_set(machine, "partial", json_boolean(strcmp(node_string(context, "partial"), "true") == 0));
	if (json_is_array(node_get(context, "peers")))
		node_set(machine, "peers", json_incref(node_get(context, "peers")));
	if (measured)
		node_set(machine, "measured", measured);
	if (json_is_object(studies_of(report, key)))
		node_set(machine, "studies", json_incref((json_t *)studies_of(report, key)));
}

/* Older merges kept one context, and marked their rows. */
static void add_marked(json_t *machines, const json_t *report, const json_t *benchmarks)
{
	size_t i, k;
	const json_t *row, *known;
	json_array_foreach(node_get(benchmarks, "benchmarks"), i, row) {
		const char *host = node_string(row, "host");
		bool found = false;
		json_array_foreach(machines, k, known)
			found = found || strcmp(node_string(known, "key"), host) == 0;
		if (!found)
			add_machine(machines, report, host, *host ? NULL : node_get(benchmarks, "context"));
	}
}

json_t *facts_machines(const json_t *report)
{
	json_t *machines = node_must(json_array());
	const json_t *benchmarks = node_get(report, "benchmarks"), *contexts = node_get(benchmarks, "contexts");
	const char *key;
	json_t *context, *machine;
	size_t i;
	json_object_foreach((json_t *)contexts, key, context)
		add_machine(machines, report, key, context);
	if (json_array_size(machines) == 0)
		add_marked(machines, report, benchmarks);
	if (json_array_size(machines) == 0 && json_object_size(node_get(benchmarks, "context")))
		add_machine(machines, report, "", node_get(benchmarks, "context"));
	json_array_foreach(machines, i, machine) {
		if (json_array_size(machines) == 1)
			node_set(machine, "label", node_text(""));
		else if (i < 26)
			node_set(machine, "label", json_sprintf("%c", (int)('A' + i)));
		else
			node_set(machine, "label", json_sprintf("M%d", (int)i + 1));
	}
	return machines;
}

const json_t *facts_machine(const json_t *facts, const char *host)
{
	size_t i;
	const json_t *machine;
	json_array_foreach(node_get(facts, "machines"), i, machine) {
		if (strcmp(node_string(machine, "key"), host) == 0)
			return machine;
	}
	return NULL;
}

const char *facts_machine_label(const json_t *facts, const char *host)
{
	const json_t *machine = facts_machine(facts, host);
	return machine ? node_string(machine, "label") : host;
}

/* What people call a peer: "absl::call_once (libabsl-dev 20220623)" stands in the context, under the name of its subject or without what
 * all peers begin with. */
const json_t *facts_peer(const json_t *facts, const char *subject, const char *host)
{
	size_t i;
	const json_t *peer;
	const char *slash = strchr(subject, '/'), *name = slash ? slash + 1 : subject;
	const char *plain = strncmp(name, "peer_", 5) == 0 ? name + 5 : name;
	json_array_foreach(node_get(facts_machine(facts, host), "peers"), i, peer) {
		const char *called = node_string(peer, "name");
		if (strcmp(called, subject) == 0 || strcmp(called, name) == 0 || strcmp(called, plain) == 0)
			return peer;
	}
	return NULL;
}
