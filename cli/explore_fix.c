/* SPDX-License-Identifier: MIT */
#include "explore_fix.h"

#include <stdio.h>

#include "../reports/node.h"
#include "../stress/check/check.h"

/* Without a limit of its own the search for changes ends after this time. */
enum { LIMIT_S = 60 };

void explore_fix(const struct explore_file *file, const struct stress_plan *plan, const json_t *result)
{
	json_t *first = json_array_get(node_get(result, "findings"), 0);
	const struct check_subject subject = {.name = file->files[0],
		.scenario = "program",
		.source = {.files = file->files,
			.file_count = file->file_count,
			.flags = file->flags,
			.flag_count = file->flag_count,
			.units = file->units,
			.compiler = file->compiler,
			.optimise = file->optimise,
			.helpers = file->helpers,
			.verbosity = file->verbosity},
		.arguments = file->arguments,
		.argument_count = file->argument_count,
		.input = file->input};
	const struct check_plan check = {.seed = plan->seed,
		.promises = check_program_promises(),
		.executions = plan->explore.executions,
		.budget_s = LIMIT_S,
		.model = plan->explore.model,
		.strategy = plan->explore.strategy,
		.shard = 1,
		.shards = 1,
		.helpers = file->helpers,
		.verbosity = file->verbosity};
	if (first)
		check_fix(&subject, &check, result, first, plan->time_limit_s > 0 ? plan->time_limit_s : LIMIT_S);
}

void explore_fix_tell(const json_t *result)
{
	size_t i, f;
	const json_t *finding, *fix, *told = NULL;
	json_array_foreach(node_get(result, "findings"), i, finding)
		json_array_foreach(node_get(finding, "fixes"), f, fix) {
			if (told && json_equal(told, fix))
				continue;
			told = fix;
			printf("\nVerified change: %s.\n    %s\n", node_string(fix, "change"), node_string(fix, "evidence"));
			size_t e;
			const json_t *edit;
			json_array_foreach(node_get(fix, "edits"), e, edit)
				printf("    %s:%lld: %s\n", node_string(edit, "file"),
					(long long)json_integer_value(node_get(edit, "line")), node_string(edit, "change"));
		}
}
