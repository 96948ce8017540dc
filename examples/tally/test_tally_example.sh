#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The examples of <onceproof/tally.h>, as C and as C++, with all compilers: they do what docs/tally.md says of them, the bar fills, never
# runs backwards and ends with the total; and onceproof finds nothing in it.
#
#   test_tally_example.sh C_COMPILER CXX_COMPILER     both, and whichever of gcc, g++, clang and clang++ is there
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
. "$ONCEPROOF_SOURCE/include/compilers.sh"
folder=$ONCEPROOF_SOURCE/examples/tally
cd "$scratch" || exit 1

# prints TEXT: what the program printed, all of it.
prints() {
	expect "it should print: $1" [ "$(cat out)" = "$1" ]
}

# examples SUFFIX COMPILER OPTIONS...: each one, its name ending in SUFFIX.
examples() {
	local name
	for name in bar bytes job numbers visitors; do
		cp "$folder/$name.c" "$name.$1"
	done
	runs "${@:2}" "bar.$1"
	tr '\r' '\n' <out | sed -n 's|^\[.*\] \([0-9]*\)/2000000$|\1|p' >told
	expect "something is told" [ "$(wc -l <told)" -ge 2 ]
	expect "not each item is told" [ "$(wc -l <told)" -lt 10000 ]
	expect "each number is above the one before" sort -cnu told
	expect "the last is the total" [ "$(tail -n 1 told)" = 2000000 ]
	runs "${@:2}" "visitors.$1"
	prints $'day 1: 4000\nday 2: 8000\nday 3: 12000'
	runs "${@:2}" -fsanitize=undefined,address -fno-sanitize-recover=all "job.$1"
	prints "scan: 10"
	runs "${@:2}" "numbers.$1"
	prints "4000 of 4000 have a name of their own, and lines go from 1 to 4000"
	runs "${@:2}" "bytes.$1"
	head -c 1000000 /dev/zero >zeros
	./program <zeros >out
	tr '\r' '\n' <out | sed -n 's/^\([0-9]*\) bytes$/\1/p' >told
	expect "each number is above the one before" sort -cnu told
	expect "the last is the total" [ "$(tail -n 1 told)" = 1000000 ]
}
while read -r compiler; do
	examples c "$compiler" -std=gnu11 -O2
done < <(each "$1" gcc clang)
while read -r compiler; do
	examples cc "$compiler" -std=c++11 -O2
	# What the document says of new.
	cat >aligned.cc <<-'CC'
		#include <onceproof/tally.h>
		struct job {
			const char *name;
			struct tally done;
		};
		int main()
		{
			job *one = new job();
			bool aligned = reinterpret_cast<uintptr_t>(one) % TALLY_PAIR_BYTES == 0 && tally_step(&one->done) == 1;
			delete one;
			return aligned ? 0 : 1;
		}
	CC
	runs "$compiler" -std=c++17 -O2 aligned.cc
done < <(each "$2" g++ clang++)
echo "compiled $compiled ways"
expect "several ways" [ "$compiled" -ge 10 ]

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
