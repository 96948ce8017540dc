/* SPDX-License-Identifier: MIT */
#include "described.h"

#include <stdlib.h>

json_t *describe(const struct registered *entry)
{
	const struct implementation *about = entry->about;
	const struct initialiser_implementation *initialiser = about->family == FAMILY_INITIALISER ? initialiser_of(entry) : NULL;
	const struct counter_implementation *counter = about->family == FAMILY_COUNTER ? counter_of(entry) : NULL;
	const struct progress_implementation *progress = about->family == FAMILY_PROGRESS ? progress_of(entry) : NULL;
	return json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:i, s:s?, s:i, s:b, s:b, s:b, s:b, s:b, s:i, s:b}", "family",
		(int)about->family, "name", about->name, "lesson", about->lesson ? about->lesson : "", "claims",
		(json_int_t)about->claims, "missing", (json_int_t)about->missing, "features", (json_int_t)about->features,
		"instances", (int)about->instances, "calls", about->calls, "loading", initialiser ? (int)initialiser->loading : 0,
		"rearmable", initialiser && initialiser->rearmable, "steps", counter && counter->steps, "decrement",
		counter && counter->decrement, "reset", counter && counter->reset, "watch", counter && counter->watch, "needs",
		progress ? (int)progress->needs : 0, "polled", progress && progress->polled);
}

static void decrement_elsewhere(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
	abort();
}

static void reset_elsewhere(struct counter *c)
{
	(void)c;
	abort();
}

static uint64_t watch_elsewhere(struct counter *c, uint64_t seen)
{
	(void)c;
	(void)seen;
	abort();
}

int described_from(json_t *text, const char *file, const char *source, struct described *out)
{
	int family = -1, instances, loading, rearmable, steps, decrement, reset, watch, needs, polled;
	json_int_t claims, missing, features;
	const char *name, *lesson, *calls = json_string_value(json_object_get(text, "calls"));
	*out = (struct described){.text = text};
	if (json_unpack(text, "{s:i, s:s, s:s, s:I, s:I, s:I, s:i, s:i, s:b, s:b, s:b, s:b, s:b, s:i, s:b}", "family", &family,
		    "name", &name, "lesson", &lesson, "claims", &claims, "missing", &missing, "features", &features, "instances",
		    &instances, "loading", &loading, "rearmable", &rearmable, "steps", &steps, "decrement", &decrement, "reset",
		    &reset, "watch", &watch, "needs", &needs, "polled", &polled) != 0 ||
		family < 0 || family >= FAMILY_PIPELINE) {
		described_close(out);
		return -1;
	}
	const struct implementation about = {.family = (enum family)family,
		.name = name,
		.lesson = lesson,
		.claims = (uint32_t)claims,
		.missing = (uint32_t)missing,
		.features = (uint32_t)features,
		.instances = (enum instances)instances,
		.calls = calls};
	if (family == FAMILY_INITIALISER)
		out->how.initialiser = (struct initialiser_implementation){
			.about = about, .loading = (enum initialiser_loading)loading, .rearmable = rearmable};
	else if (family == FAMILY_COUNTER)
		out->how.counter = (struct counter_implementation){.about = about,
			.steps = steps,
			.decrement = decrement ? decrement_elsewhere : NULL,
			.reset = reset ? reset_elsewhere : NULL,
			.watch = watch ? watch_elsewhere : NULL};
	else
		out->how.progress =
			(struct progress_implementation){.about = about, .needs = (enum progress_needs)needs, .polled = polled};
	out->entry = (struct registered){REGISTERED_BY_USER, file, &out->how.about, source};
	return 0;
}

void described_close(struct described *described)
{
	json_decref(described->text);
	*described = (struct described){0};
}
