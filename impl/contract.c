/* SPDX-License-Identifier: MIT */
/* Names and meanings of families and promises, and look-ups in the generated registry. */
#include "contract.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const family_names[FAMILY_COUNT] = {"initialiser", "counter", "progress", "pipeline"};

static const struct promise_info initialiser_promises[] = {
	{"exactly_once", "one load succeeds, ever"},
	{"same_instance", "every caller gets the same instance"},
	{"fully_published", "nobody sees a half-built instance"},
	{"retries_failure", "a failed load is reported to its caller and tried again, never cached, and nobody hangs"},
	{"no_leak", "every instance made is released by close at the latest"},
	{"survives_cancel", "a thread cancelled while loading blocks nobody"},
	{"read_only_get", "after the load, a get writes nothing shared"},
	{"race_free", "no data race"},
};

static const struct promise_info counter_promises[] = {
	{"no_lost_update", "every increment counts"},
	{"unique_steps", "the returned steps are exactly 1..N"},
	{"linearizable_value", "a value read is the count at one moment during the read"},
	{"monotone_value", "values read in order never decrease"},
	{"exact_at_rest", "once nobody counts, the value is the number of increments"},
	{"race_free", "no data race"},
};

static const struct promise_info progress_promises[] = {
	{"never_backwards", "the number shown never decreases"},
	{"no_duplicates", "no number is shown twice"},
	{"no_gaps", "no number is skipped"},
	{"last_is_total", "the last number shown is the total"},
	{"does_not_block_workers", "a thread suspended inside telling stops no other"},
	{"race_free", "no data race"},
};

static const struct promise_info pipeline_promises[] = {
	{"each_item_once", "every item of the manifest is worked on exactly once and has one result"},
	{"failures_isolated", "an item's failure is reported for that item and touches no other"},
	{"totals_add_up", "items = done + failed + not started, and the counter agrees"},
	{"model_loaded_once", "one model is made per batch"},
	{"log_complete", "the run log has one entry for each event of each item"},
	{"race_free", "no data race"},
};

static const struct {
	const struct promise_info *list;
	size_t count;
} promises[FAMILY_COUNT] = {
	{initialiser_promises, sizeof initialiser_promises / sizeof *initialiser_promises},
	{counter_promises, sizeof counter_promises / sizeof *counter_promises},
	{progress_promises, sizeof progress_promises / sizeof *progress_promises},
	{pipeline_promises, sizeof pipeline_promises / sizeof *pipeline_promises},
};

const char *family_name(enum family family)
{
	return family_names[family];
}

const struct promise_info *family_promises(enum family family, size_t *count)
{
	*count = promises[family].count;
	return promises[family].list;
}

const char *implementation_claim(const struct implementation *about, uint32_t promise)
{
	if (about->claims & promise)
		return "claimed";
	return about->missing & promise ? "missing" : "not_offered";
}

int registry_add(const struct registered *entry)
{
	struct registered *longer = malloc((onceproof_registry_count + 1) * sizeof *longer);
	if (!longer)
		return ENOMEM;
	/* The table before it stays: pointers into it are good for ever. */
	memcpy(longer, onceproof_registry, onceproof_registry_count * sizeof *longer);
	longer[onceproof_registry_count++] = *entry;
	onceproof_registry = longer;
	return 0;
}

const struct registered *registry_find(enum family family, const char *name)
{
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct registered *entry = &onceproof_registry[i];
		if (entry->about->family == family && strcmp(entry->about->name, name) == 0)
			return entry;
	}
	return NULL;
}
