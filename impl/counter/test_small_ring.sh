#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The aggregating funnel with a ring of one batch, so that scenarios go round it: every promise is proved, and a delegate that makes no room is found
# out. With the ring as it is, no scenario is long enough to use a place twice.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
onceproof=${ONCEPROOF:?}
cd "$scratch" || exit 1
[[ -x ${onceproof%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }

# variant NAME SED...: the lesson under another name, with a ring of one batch and one look before a waiter yields, and changed further by the sed words.
variant() {
	local name=$1
	shift
	sed -e 's/BATCHES = 16 /BATCHES = 1 /' -e 's/PAUSES = 200 /PAUSES = 1 /' -e 's/SEATS = 8 /SEATS = 3 /' -e "s/COUNTER_EXPORT(aggregating_funnel,/COUNTER_EXPORT($name,/" \
		"$@" "$ONCEPROOF_SOURCE/impl/counter/92_aggregating_funnel.c" >"$name.c"
	expect "the ring of $name is small" grep -q 'BATCHES = 1 ' "$name.c"
}

variant small_ring
run "$onceproof" check --engine=explore --no-cache --no-fix --budget=10m --json=small.json small_ring.c
expect_status 0
expect "all is proved, scenarios with four batches too" \
	jq -e '([.results[].scenario] | contains(["two_by_two"])) and all(.results[]; .verdict == "proved")' small.json

variant hasty -e 's/if (batch->after > funnel->safe)/if (false)/'
expect "hasty makes no room" grep -q 'if (false)' hasty.c
run "$onceproof" check --engine=explore --no-cache --no-fix --budget=10s --json=hasty.json hasty.c
expect_status 1
expect "a batch that a slow thread still reads is overwritten" \
	jq -e 'any(.results[]; .scenario == "two_by_two" and .verdict == "bug")' hasty.json
finish
