/* SPDX-License-Identifier: MIT */
/* Look-ups over the generated table of scenarios. */
#include "scenario.h"

#include <string.h>

bool scenario_applies(const struct scenario *scenario, const struct implementation *subject)
{
	if (scenario->family != subject->family || !(scenario->checks & (subject->claims | subject->missing)))
		return false;
	return !scenario->applies || scenario->applies(subject);
}

const struct scenario *scenario_find(enum family family, const char *name)
{
	for (size_t g = 0; g < scenario_group_count; g++)
		for (size_t i = 0; i < scenario_groups[g]->count; i++) {
			const struct scenario *scenario = &scenario_groups[g]->list[i];
			if (scenario->family == family && strcmp(scenario->name, name) == 0)
				return scenario;
		}
	return NULL;
}

enum grade outcome_grade(const struct outcome_rule *rule, const struct implementation *subject)
{
	if (rule->grade == GRADE_FORBIDDEN && !(rule->refutes & (subject->claims | subject->missing)))
		return GRADE_INTERESTING;
	return rule->grade;
}

const char *grade_name(enum grade grade)
{
	static const char *const names[] = {"acceptable", "interesting", "forbidden"};
	return names[grade];
}
