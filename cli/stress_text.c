/* SPDX-License-Identifier: MIT */
#include "stress_text.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../reports/interleaving.h"

static const char *get(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value ? value : "";
}

/* Characters of a line of the terminal that stdout is, within reason; without one, what fits a log. */
static unsigned terminal_width(void)
{
	enum { LOG = 120, LEAST = 60, MOST = 240 };
	struct winsize size;
	unsigned width = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
	return width == 0 ? LOG : width < LEAST ? LEAST : width > MOST ? MOST : width;
}

struct stress_text stress_text_new(const struct common *common, bool lines)
{
	return (struct stress_text){.lines = lines && common->verbosity >= 0,
		.verbose = common->verbosity > 0,
		.color = use_color(common, STDOUT_FILENO),
		.status = isatty(STDERR_FILENO) && common->verbosity >= 0,
		.width = terminal_width()};
}

void stress_text_began(
	const struct stress_text *text, size_t index, size_t count, const char *engine, const char *subject, const char *scenario)
{
	if (text->status)
		fprintf(stderr, "\r\033[K%zu/%zu %s %s/%s", index + 1, count, engine, subject, scenario);
}

static const char *word(const json_t *result)
{
	const json_t *as_expected = json_object_get(result, "as_expected");
	/* A user's program states nothing. */
	if (strcmp(get(result, "scenario"), "program") == 0)
		return "";
	return json_is_true(as_expected) ? "as stated" : json_is_false(as_expected) ? "NOT as stated" : "decides nothing";
}

void stress_text_finding(const struct stress_text *text, const json_t *finding)
{
	size_t i;
	json_t *location;
	printf("    %s%s%s\n", text->color ? "\033[1m" : "", get(finding, "message"), text->color ? "\033[0m" : "");
	json_array_foreach(json_object_get(finding, "locations"), i, location)
		printf("        %s:%lld %s: %s %s\n", get(location, "file"),
			(long long)json_integer_value(json_object_get(location, "line")), get(location, "function"),
			get(location, "thread"), get(location, "access"));
	const json_t *preemptions = json_object_get(finding, "preemptions");
	if (json_is_integer(preemptions)) {
		long long count = json_integer_value(preemptions);
		long long stale = json_integer_value(json_object_get(finding, "stale"));
		printf("        %lld preemption%s, %lld stale read%s; in %lld executions, the first number %lld\n", count,
			count == 1 ? "" : "s", stale, stale == 1 ? "" : "s",
			(long long)json_integer_value(json_object_get(finding, "executions")),
			(long long)json_integer_value(json_object_get(finding, "first")));
	}
	const struct interleaving_look look = {text->width, text->color, "      "};
	interleaving_text(stdout, finding, &look);
	if (*get(finding, "replay"))
		printf("        again: %s\n", get(finding, "replay"));
}

static void print_details(const struct stress_text *text, const json_t *result)
{
	size_t i;
	json_t *outcome, *finding;
	json_array_foreach(json_object_get(result, "outcomes"), i, outcome)
		printf("    %12lld  %-11s %-14s %s\n", (long long)json_integer_value(json_object_get(outcome, "count")),
			get(outcome, "grade"), get(outcome, "label"), get(outcome, "why"));
	json_array_foreach(json_object_get(result, "findings"), i, finding)
		stress_text_finding(text, finding);
}

void stress_text_ended(const struct stress_text *text, const json_t *result)
{
	if (text->status)
		fputs("\r\033[K", stderr);
	if (!text->lines)
		return;
	const json_t *as_expected = json_object_get(result, "as_expected");
	const char *color = json_is_true(as_expected) ? "\033[32m" : json_is_false(as_expected) ? "\033[1;31m" : "\033[33m";
	printf("%-10s %-32s %-22s %s%-12s %-15s%s %s\n", get(result, "engine"), get(result, "subject"), get(result, "scenario"),
		text->color ? color : "", get(result, "verdict"), word(result), text->color ? "\033[0m" : "",
		get(result, "evidence"));
	if (text->verbose)
		print_details(text, result);
	for (size_t i = 0; text->tables && !text->verbose && i < json_array_size(json_object_get(result, "findings")); i++)
		stress_text_finding(text, json_array_get(json_object_get(result, "findings"), i));
	fflush(stdout);
}

/* Missing promises that sampling or a race detector saw broken, without an order that was forced. */
static size_t count_seen(const json_t *contracts)
{
	size_t count = 0, i;
	json_t *it;
	json_array_foreach(contracts, i, it)
		count += strcmp(get(it, "status"), "unshown") == 0 && json_array_size(json_object_get(it, "seen")) > 0;
	return count;
}

static size_t count_contracts(const json_t *contracts, const char *claim, const char *status)
{
	size_t count = 0, i;
	json_t *it;
	json_array_foreach(contracts, i, it)
		count += strcmp(get(it, "claim"), claim) == 0 && strcmp(get(it, "status"), status) == 0;
	return count;
}

void stress_text_summary(const struct stress_text *text, const json_t *report, uint64_t seed)
{
	if (text->status)
		fputs("\r\033[K", stderr);
	const json_t *contracts = json_object_get(report, "contracts");
	size_t i;
	json_t *it;
	if (!text->lines)
		return;
	printf("\nPromises claimed: %zu upheld, %zu refuted, %zu unshown.\n", count_contracts(contracts, "claimed", "upheld"),
		count_contracts(contracts, "claimed", "refuted"), count_contracts(contracts, "claimed", "unshown"));
	size_t seen = count_seen(contracts);
	printf("Promises missing: %zu shown broken by a schedule or a forced order, %zu seen to break, %zu not seen; %zu proved "
	       "to hold after "
	       "all.\n",
		count_contracts(contracts, "missing", "refuted"), seen, count_contracts(contracts, "missing", "unshown") - seen,
		count_contracts(contracts, "missing", "upheld"));
	json_array_foreach(contracts, i, it)
		if (json_is_true(json_object_get(it, "broken")))
			printf("BROKEN CONTRACT: %s says '%s' is %s, but %s %s it.\n", get(it, "subject"), get(it, "promise"),
				get(it, "claim"), get(it, "by"), strcmp(get(it, "claim"), "claimed") == 0 ? "refutes" : "proves");
	printf("The same plan again: --seed=%llu (%s)\n", (unsigned long long)seed,
		text->deterministic ? "the same schedules, and so the same results"
				    : "real threads meet anew each time, so counts differ");
}

int stress_exit_status(const json_t *report)
{
	int status = EXIT_HOLDS;
	size_t i;
	json_t *it;
	json_array_foreach(json_object_get(report, "results"), i, it) {
		if (json_is_false(json_object_get(it, "as_expected")))
			return EXIT_BROKEN;
		if (strcmp(get(it, "verdict"), "inconclusive") == 0)
			status = EXIT_INCONCLUSIVE;
	}
	json_array_foreach(json_object_get(report, "contracts"), i, it)
		if (json_is_true(json_object_get(it, "broken")))
			return EXIT_BROKEN;
	return status;
}
