#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The progress bar is built, fills, never runs backwards and ends with the total; and onceproof finds nothing in it.
#
#   test_tally_example.sh C_COMPILER
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
folder=$ONCEPROOF_SOURCE/examples/tally
cd "$scratch" || exit 1
run "$1" -O2 -Wall -Wextra -Werror -I "$ONCEPROOF_SOURCE/include" "$folder/bar.c" -pthread -o bar
expect_status 0
run ./bar
expect_status 0
tr '\r' '\n' <out | sed -n 's|^\[.*\] \([0-9]*\)/2000000$|\1|p' >told
expect "something is told, but not each item" [ "$(wc -l <told)" -ge 2 ] && expect "not each item" [ "$(wc -l <told)" -lt 10000 ]
expect "each number is above the one before" sort -cnu told
expect "the last is the total" [ "$(tail -n 1 told)" = 2000000 ]
onceproof=${ONCEPROOF:?}
if [[ -x ${onceproof%/bin/*}/libexec/onceproof/onceproof-explore ]]; then
	run "$onceproof" check "$folder/bar.c" --no-cache --color=never -- -DITEMS=3 -DWORKERS=2
	expect_status 0
	expect_out "proved"
	# Told under no order, it is not clean: the check sees into the header.
	mkdir -p broken/onceproof
	sed 's/^	if (seen & 1)$/	if (0)/' "$ONCEPROOF_SOURCE/include/onceproof/tally.h" >broken/onceproof/tally.h
	expect "the header's line is still there to be broken" [ "$(diff "$ONCEPROOF_SOURCE/include/onceproof/tally.h" broken/onceproof/tally.h | grep -c '^>')" -eq 1 ]
	sed 's/^	(void)arg;$/	static uint64_t shown;\n	if (done < shown) __builtin_trap();\n	shown = done;\n&/' "$folder/bar.c" >watched.c
	run "$onceproof" check watched.c --no-cache --no-fix --color=never -- -I "$scratch/broken" -DITEMS=3 -DWORKERS=2
	expect_status 1
	run "$onceproof" check watched.c --no-cache --no-fix --color=never -- -DITEMS=3 -DWORKERS=2
	expect_status 0
fi
finish
