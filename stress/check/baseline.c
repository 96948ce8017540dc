/* SPDX-License-Identifier: MIT */
#include "baseline.h"

#include <string.h>

#include "../../reports/fingerprint.h"
#include "../../reports/node.h"

/* All findings of SUBJECT in RESULTS, by fingerprint: an object. New reference; the findings are shared. */
static json_t *findings_of(const json_t *results, const char *subject)
{
	json_t *all = node_must(json_object()), *result, *finding;
	size_t i, k;
	char text[FINGERPRINT_MAX];
	json_array_foreach(results, i, result) {
		if (strcmp(node_string(result, "subject"), subject) != 0)
			continue;
		json_array_foreach(node_get(result, "findings"), k, finding) {
			finding_fingerprint(result, finding, text);
			if (!json_object_get(all, text))
				node_set(all, text, json_incref(finding));
		}
	}
	return all;
}

static void mark(json_t *results, const char *subject, const json_t *known)
{
	json_t *result, *finding;
	size_t i, k;
	char text[FINGERPRINT_MAX];
	json_array_foreach(results, i, result) {
		if (strcmp(node_string(result, "subject"), subject) != 0)
			continue;
		json_array_foreach(node_get(result, "findings"), k, finding) {
			finding_fingerprint(result, finding, text);
			node_set(finding, "baseline", node_text(node_get(known, text) ? "known" : "new"));
		}
	}
}

void baseline_compare(const json_t *baseline, json_t *results, json_t *check)
{
	const char *subject = node_string(check, "subject"), *key;
	json_t *before = findings_of(node_get(baseline, "results"), subject), *now = findings_of(results, subject), *it;
	json_t *vanished = node_must(json_array());
	json_int_t known = 0, new = 0;
	json_object_foreach(now, key, it) {
		known += json_object_get(before, key) != NULL;
		new += json_object_get(before, key) == NULL;
	}
	json_object_foreach(before, key, it) {
		if (json_object_get(now, key))
			continue;
		json_t *gone = node_append(vanished, node_must(json_object()));
		node_set(gone, "fingerprint", node_text(key));
		node_set(gone, "kind", node_text(node_string(it, "kind")));
		node_set(gone, "message", node_text(node_string(it, "message")));
	}
	mark(results, subject, before);
	node_set(check, "known", json_integer(known));
	node_set(check, "new", json_integer(new));
	node_set(check, "vanished", vanished);
	json_decref(before);
	json_decref(now);
}
