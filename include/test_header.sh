#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# An installed header compiles by itself, in every language standard that it is for, in each of its ways, with and without the C library's
# extensions, without a warning; what was compiled runs; and in any other standard it says what it needs, and nothing else.
#
#   test_header.sh once|tally C_COMPILER CXX_COMPILER     both, and whichever of gcc, g++, clang and clang++ is there
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
. "$ONCEPROOF_SOURCE/include/compilers.sh"
header=$1 use=$ONCEPROOF_SOURCE/include/header_$1.c
cp "$use" "$scratch/use.cc"
case $header in
once)
	ways=(-UONCE_NO_FUTEX -DONCE_NO_FUTEX)
	for_c=(c11 c17 gnu11 gnu17 gnu99 "c99 -D_POSIX_C_SOURCE=200809L" "c99 -D_XOPEN_SOURCE=700" "c99 -D_DEFAULT_SOURCE"
		"c99 -D_GNU_SOURCE")
	too_old=(c89 gnu89 iso9899:199409 c99)
	old_needs="needs C11, or C99 with POSIX"
	# Looking again for no time at all is a choice, too.
	more=(-D_POSIX_C_SOURCE=200809L -DONCE_SPIN_NS=0)
	;;
tally)
	ways=(-UTALLY_HAS_PERCPU -DTALLY_HAS_PERCPU=0)
	for_c=(c11 c17 gnu11 gnu17) too_old=(c89 gnu89 iso9899:199409 c99 gnu99)
	old_needs="needs C11 or later"
	more=(-D_POSIX_C_SOURCE=200809L -DTALLY_BATCH=8)
	;;
*)
	echo "usage: test_header.sh once|tally C_COMPILER CXX_COMPILER" >&2
	exit 2
	;;
esac

# refused COMPILER LANGUAGE STANDARD WORDS: a file that does no more than include it gets one error, which has WORDS.
refused() {
	printf '#include <onceproof/%s.h>\nint main(void) { return 0; }\n' "$header" >"$scratch/old.c"
	run "$1" -I "$ONCEPROOF_SOURCE/include" "-std=$3" -x "$2" -c "$scratch/old.c" -o "$scratch/old.o"
	expect "it does not compile" [ "$status" -ne 0 ]
	expect "one error" [ "$(grep -c 'error: ' "$scratch/err")" -eq 1 ]
	expect_err "<onceproof/$header.h> $4"
	refusals=$((refusals + 1))
}
refusals=0
while read -r compiler; do
	for standard in "${too_old[@]}"; do
		refused "$compiler" c "$standard" "$old_needs"
	done
	for way in "${ways[@]}"; do
		for standard in "${for_c[@]}"; do
			# shellcheck disable=SC2086 # words
			runs "$compiler" "$way" -O2 -Wmissing-prototypes -Wstrict-prototypes -std=$standard "$use"
		done
		runs "$compiler" "$way" -O0 -D_GNU_SOURCE -fexceptions -std=gnu11 "$use"
		# Whoever asks for a standard by name gets nothing else.
		for option in "${more[@]}"; do
			runs "$compiler" "$way" -O2 "$option" -std=gnu11 "$use"
		done
	done
done < <(each "$2" gcc clang)
while read -r compiler; do
	for standard in c++98 gnu++98 c++03; do
		refused "$compiler" c++ $standard "needs C++11 or later"
	done
	for way in "${ways[@]}"; do
		for standard in c++11 c++14 c++17 c++20 gnu++17; do
			runs "$compiler" "$way" -O2 -Wold-style-cast -std=$standard "$scratch/use.cc"
		done
		runs "$compiler" "$way" -O0 -fno-exceptions -fno-rtti -std=c++17 "$scratch/use.cc"
	done
done < <(each "$3" g++ clang++)
# Users build with ThreadSanitizer too; gcc must not warn them of a fence.
run "$2" -std=gnu11 "${warnings[@]}" -O1 -fsanitize=thread -I "$ONCEPROOF_SOURCE/include" -c "$use" -o "$scratch/use.o"
expect_status 0
echo "compiled $compiled ways, refused $refusals"
expect "several ways" [ "$compiled" -ge 20 ] && expect "several refusals" [ "$refusals" -ge 7 ]
finish
