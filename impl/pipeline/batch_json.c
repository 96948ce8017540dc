/* SPDX-License-Identifier: MIT */
#include "batch_json.h"

#include <inttypes.h>
#include <stdio.h>

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static const char *const reason_keys[BATCH_REASONS] = {
	"done", "blank", "not_utf8", "too_long", "nul_byte", "injected", "no_model", "half_model", "not_written"};

static void add_detail(json_t *json, const struct batch_summary *s)
{
	json_t *reasons = json_object();
	for (int i = BATCH_DONE + 1; i < BATCH_REASONS; i++)
		if (s->failed_by[i])
			json_object_set_new(reasons, reason_keys[i], number(s->failed_by[i]));
	json_object_set_new(json, "failed_by", reasons);
	json_object_set_new(json, "models_alive", number(s->models_alive));
	json_object_set_new(json, "models_destroyed", number(s->models_destroyed));
	json_object_set_new(json, "loads_failed", number(s->loads_failed));
	json_object_set_new(json, "model_bytes", number(s->model_bytes));
	json_object_set_new(json, "load_ns", number(s->load_ns));
	json_object_set_new(json, "told", number(s->told));
	json_object_set_new(
		json, "items_per_second", json_real(s->seconds > 0 ? (double)s->evidence.results.count / s->seconds : 0.0));
	json_object_set_new(json, "audio_bytes", number(s->audio_bytes));
	char print[17];
	snprintf(print, sizeof print, "%016" PRIx64, s->audio_print);
	json_object_set_new(json, "audio_print", json_string(print));
	json_object_set_new(json, "partial", json_boolean(s->partial));
}

static void add_judgement(json_t *json, const struct batch_judgement *j)
{
	size_t count;
	const struct promise_info *promises = family_promises(FAMILY_PIPELINE, &count);
	json_t *refuted = json_array(), *sentences = json_array();
	for (size_t i = 0; i < count; i++) {
		if (!(j->refuted & 1u << i))
			continue;
		json_array_append_new(refuted, json_string(promises[i].name));
		json_array_append_new(sentences, json_sprintf("%s: %s", promises[i].name, j->sentence[i]));
	}
	const char *const claims[] = {j->initialiser, j->counter, j->progress};
	for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
		if (claims[i][0])
			json_array_append_new(sentences, json_string(claims[i]));
	json_object_set_new(json, "refuted", refuted);
	json_object_set_new(json, "seen", sentences);
	json_object_set_new(json, "as_stated", json_boolean(j->as_stated));
}

json_t *batch_json(const struct batch_options *o, const struct batch_summary *s, const struct batch_judgement *j)
{
	json_t *json = json_object();
	json_t *anomalies = json_object();
	if (!json || !anomalies) {
		json_decref(json);
		json_decref(anomalies);
		return NULL;
	}
	json_object_set_new(json, "initialiser", json_string(o->initialiser->about.name));
	json_object_set_new(json, "counter", json_string(o->counter->about.name));
	json_object_set_new(json, "progress", json_string(o->progress->about.name));
	json_object_set_new(json, "workers", number(s->workers));
	json_object_set_new(json, "serial", json_boolean(o->serial));
	json_object_set_new(json, "items", number(s->items));
	json_object_set_new(json, "item_cost_ns", json_integer(o->item_cost_ns));
	json_object_set_new(json, "done", number(s->done));
	json_object_set_new(json, "failed", number(s->failed));
	json_object_set_new(json, "not_started", number(s->not_started));
	json_object_set_new(json, "counted", number(s->counted));
	json_object_set_new(json, "models_made", number(s->models_made));
	json_object_set_new(json, "wasted_bytes", number(s->wasted_bytes));
	json_object_set_new(anomalies, "duplicate", number(s->anomalies.duplicate));
	json_object_set_new(anomalies, "gap", number(s->anomalies.gap));
	json_object_set_new(anomalies, "backwards", number(s->anomalies.backwards));
	json_object_set_new(anomalies, "missing_last", number(s->anomalies.missing_last));
	json_object_set_new(json, "anomalies", anomalies);
	json_object_set_new(json, "seconds", json_real(s->seconds));
	add_detail(json, s);
	if (j)
		add_judgement(json, j);
	return json;
}
