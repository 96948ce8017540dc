#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What <onceproof/tally.h> offers beside the contract of counters, explored; and with a fault in the header each scenario that guards
# against it sees it.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
onceproof=${ONCEPROOF:?}
[[ -x ${onceproof%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }
cd "$scratch" || exit 1
scenarios=$ONCEPROOF_SOURCE/include/scenarios_tally.c header=$ONCEPROOF_SOURCE/include/onceproof/tally.h
run "$onceproof" check "$scenarios" --engine=explore --no-cache --color=never --json all.json
expect_status 0
expect "six scenarios are proved" [ "$(jq '[.results[] | select(.verdict == "proved")] | length' all.json)" -eq 6 ]

# broken SCENARIO SED: with the header changed by SED, SCENARIO shows it.
broken() {
	mkdir -p broken/onceproof
	sed -E "$2" "$header" >broken/onceproof/tally.h
	ran="sed '$2'"
	expect "the header has what is to be broken" [ "$(diff "$header" broken/onceproof/tally.h | grep -c '^>')" -eq 1 ]
	run "$onceproof" check "$scenarios" --engine=explore --no-cache --no-fix --color=never --json broken.json -- -I "$scratch/broken"
	expect_status 1
	expect "$1 sees it" [ "$(jq "[.results[] | select(.scenario == \"$1\" and .verdict == \"bug\")] | length" broken.json)" -eq 1 ]
}
broken approximate_publishes 's/(passed, count - seat->passed, __ATOMIC_)RELEASE/\1RELAXED/'
broken steps_are_passed_on 's/(return passed \+ .*__ATOMIC_)ACQUIRE/\1RELAXED/'
broken approximate 's/^(	if \(TALLY_RARE_\(count - seat->passed >= TALLY_BATCH)\)/\1 + 1)/'
broken approximate 's/^	seat->passed = count;/	seat->passed = count - 1;/'
broken tickets 's/(ticket_last = count \+ \(TALLY_BLOCK )- 1/\1+ 0/'
broken complete 's/^	__atomic_store_n\(&seat->count, count, __ATOMIC_RELEASE\);/	seat->passed = count;/'
finish
