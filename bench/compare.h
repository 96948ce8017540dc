/* SPDX-License-Identifier: MIT */
/* Two saved results beside each other: which rows changed, by how much, and what could not have been seen.
 *
 * The sample is one value per process and row. A row has changed when the exact test of Mann and Whitney finds that it changed by more
 * than a tolerance (B's values are moved by it first), at a level that Holm's correction holds for all rows together. The tolerance is
 * what the user calls negligible, or what the rows that nobody changed differ by from one save to the next, whichever is more.
 */
#ifndef ONCEPROOF_BENCH_COMPARE_H
#define ONCEPROOF_BENCH_COMPARE_H

#include <string>
#include <vector>

#include <jansson.h>

#include "statistics.h"
#include "store.h"

namespace bench
{

struct compare_options {
	std::string a, b;                 /* names or paths */
	std::vector<std::string> globs;   /* rows; empty: all that both have */
	double at_least = 0.02;           /* smaller changes are nobody's concern: a share, 0.02 is 2 % */
	double alpha = 0.05;              /* chance that two saves of one build show any change */
	bool by_time = false;             /* compare times also where there are ratios to a floor */
	bool every_row = false;           /* in the table; the JSON always has all */
	bool fail_on_change = false;      /* faster rows fail as well */
	bool table = true;                /* on stdout */
	std::vector<std::string> outputs; /* files for the JSON; "-" is stdout */
	std::string markdown;             /* file to which the table is appended as Markdown, or empty */
};

enum change { CHANGE_NONE, CHANGE_SLOWER, CHANGE_FASTER, CHANGE_UNTESTED };

/* How many of a side's processes ran in the slower of two modes, and how many in all. */
struct mix {
	size_t slow = 0, all = 0;
};

struct compared_row {
	std::string name, floor;
	bool ratio = false;      /* values are ratios to the floor; else ns per operation */
	size_t n_a = 0, n_b = 0; /* processes */
	double median_a = 0, median_b = 0;
	double estimate = 0;      /* of the change, Hodges and Lehmann's: 0.1 is 10 % slower */
	interval likely = {0, 0}; /* 95 %, by inverting the test */
	double p = 1, corrected = 1;
	double tolerance = 0; /* it must have changed by more than this share */
	double alarm = 0;     /* chance that this row alone is reported although nothing changed: at most */
	double visible = 0;   /* smallest slowdown that is reported in 19 of 20 comparisons; 0: none is */
	enum change change = CHANGE_UNTESTED;
	std::vector<mode> modes; /* two where processes of a side ran in two ways, else empty */
	mix mix_a, mix_b;
	std::string note; /* why it is not tested, what else is to be known; or empty */
};

struct comparison {
	saved a, b;
	std::vector<compared_row> rows;                  /* what both have and the globs choose, floors excepted, in A's order */
	std::vector<compared_row> floors;                /* by time: they tell of the machine */
	std::vector<std::string> only_a, only_b, broken; /* names; `broken`: a promise holds in A and not in B */
	std::vector<std::string> notes;                  /* sentences that a reader must know */
	double at_least = 0, alpha = 0;
	double wobble = 0; /* the largest of the rows' tolerances, where that is more than at_least */
	double middle = 0; /* median of all rows' changes */
	size_t tested = 0, slower = 0, faster = 0;
	bool machine_changed = false; /* the floors' times did */
	bool inconclusive = false;
	std::string why; /* of inconclusive */
};

/* Pure. Throws std::runtime_error where A and B cannot be compared, saying what to do. */
comparison compare(const saved &a, const saved &b, const compare_options &options);

/* A new JSON object: `comparisons` of a report. */
json_t *comparison_json(const comparison &comparison);

/* For people; for a job summary. */
std::string comparison_text(const comparison &comparison, bool every_row);
std::string comparison_markdown(const comparison &comparison);

/* `onceproof-bench --compare`: an exit status. 0: no change beyond noise; 1: a row is slower, or breaks a promise; 2: misuse; 3: nothing
 * can be said. */
int compare_command(const compare_options &options);

/* The same with the words of a command line; argv[0] is "--compare". */
int compare_main(int argc, char **argv);

} // namespace bench
#endif
