/* SPDX-License-Identifier: MIT */
#include "explore_checkpoint.h"

#include <stdio.h>

bool explore_checkpoint_check(const struct explore_checkpoint *c)
{
	if (c->path || !c->resume)
		return true;
	complain("explore: --resume goes on from a file: name it with --checkpoint FILE");
	return false;
}

void explore_checkpoint_seed(const struct explore_checkpoint *c, struct common *common)
{
	if (!c->path || !c->resume || common->seed_given)
		return;
	json_t *identity = checkpoint_identity(c->path), *seed = json_object_get(identity, "seed");
	if (json_is_integer(seed))
		common->seed = (uint64_t)json_integer_value(seed);
	json_decref(identity);
}

static json_t *text_list(char *const *words, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(words[i]));
	return list;
}

/* All that decides about results, and nothing that does not: neither -j nor a time limit. */
static json_t *identity(
	const struct common *common, const struct explore_plan *plan, char *const *words, size_t word_count, json_t *build)
{
	size_t options = 0;
	while (plan->search_options && plan->search_options[options])
		options++;
	return json_pack("{s:s, s:s, s:o, s:o, s:I, s:s?, s:s?, s:I, s:o, s:b}", "onceproof", ONCEPROOF_VERSION, "command",
		"explore", "code", build, "words", text_list(words, word_count), "seed", (json_int_t)common->seed, "model",
		plan->model, "strategy", plan->strategy, "budget", (json_int_t)plan->executions, "options",
		text_list((char *const *)plan->search_options, options), "first", plan->first_only);
}

bool explore_checkpoint_open(struct explore_checkpoint *c, const struct common *common, const struct explore_plan *plan,
	char *const *words, size_t word_count, json_t *build)
{
	if (!c->path) {
		json_decref(build);
		return true;
	}
	json_t *what = identity(common, plan, words, word_count, build);
	json_object_set_new(what, "shard", json_sprintf("%u/%u", common->shard, common->shards));
	c->file = checkpoint_open(c->path, what, c->resume, c->every_s);
	json_decref(what);
	if (c->file && c->resume && common->verbosity >= 0)
		fprintf(stderr, "onceproof: %s: %zu finished results, %.1f MB of searches%s\n", c->path,
			checkpoint_results(c->file), (double)checkpoint_bytes(c->file) / 1e6,
			checkpoint_results(c->file) + checkpoint_bytes(c->file) ? "" : ": from the beginning");
	return c->file != NULL;
}

void explore_checkpoint_tell(const struct explore_checkpoint *c, const struct common *common, const json_t *answer)
{
	if (!c->path || !c->resume || common->verbosity < 0)
		return;
	fprintf(stderr, "onceproof: %s: %lld executions did not have to be made again\n", c->path,
		(long long)json_integer_value(json_object_get(answer, "resumed")));
}
