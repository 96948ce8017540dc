/* SPDX-License-Identifier: MIT */
/* Where a falling curve, of which every look gives "above", "below" or "cannot be told", passes a limit. Pure; safe from any thread. */
#ifndef ONCEPROOF_BENCH_BISECTION_H
#define ONCEPROOF_BENCH_BISECTION_H

#include <algorithm>
#include <map>

namespace bench
{

enum side { SIDE_UNKNOWN, SIDE_ABOVE, SIDE_BELOW };

struct bisection {
	int above; /* the last place that is certainly above; -1: none */
	int below; /* the first from which on every place that was looked at is certainly below; SIZE: none */
	int next;  /* where to look now, unless done */
	bool done; /* between above and below every place was looked at that could narrow them */
};

/* What is known after LOOKS {place 0..SIZE-1: side}, and where to look next. First the upper end of the uncertain range is narrowed, for
 * that is the promise "from here on below"; then the lower one. */
inline bisection bisect(const std::map<int, side> &looks, int size)
{
	int not_above = size, not_below = -1;
	bisection found = {-1, size, 0, false};
	for (const auto &look : looks) {
		if (look.second == SIDE_ABOVE)
			found.above = look.first;
		if (look.second != SIDE_BELOW)
			not_below = look.first;
	}
	for (const auto &look : looks) {
		if (look.first > not_below)
			found.below = std::min(found.below, look.first);
		if (look.first > found.above)
			not_above = std::min(not_above, look.first);
	}
	if (found.below - not_below > 1)
		found.next = not_below + (found.below - not_below) / 2;
	else if (not_above - found.above > 1)
		found.next = found.above + (not_above - found.above) / 2;
	else
		found.done = true;
	return found;
}

} // namespace bench
#endif
