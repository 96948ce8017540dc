#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The restartable sequences of <onceproof/tally.h> after a linker has dropped copies of C++ functions (COMDAT groups), sections that nobody
# uses, and functions that are the same as others; and those of counter/80_percpu.c, in C. Each program steps through its increments.
#
#   test_tally_percpu.sh C_COMPILER CXX_COMPILER     both, and whichever of gcc, g++, clang and clang++ is there
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
. "$ONCEPROOF_SOURCE/include/compilers.sh"
cd "$scratch" || exit 1
source=$ONCEPROOF_SOURCE/include/test_tally_percpu.cc
printf '#include <onceproof/tally.h>\nint main() { struct tally_percpu t = TALLY_PERCPU_INITIALISER; return tally_percpu_open(&t) == 0 ? 0 : 77; }\n' >has.cc
run "$2" -I "$ONCEPROOF_SOURCE/include" has.cc -o has
expect_status 0
[[ $(uname -m) == x86_64 ]] && ./has || { echo "skipped: no restartable sequences here"; exit 77; }

# linked HEADERS COMPILER "OPTIONS" LINK_OPTIONS...: both files, compiled with OPTIONS, in both orders.
linked() {
	local order options
	read -r -a options <<<"$3"
	run "$2" -std=c++11 "${warnings[@]}" "${options[@]}" -I "$1" -c "$source" -o one.o
	expect_status 0
	run "$2" -std=c++11 "${warnings[@]}" "${options[@]}" -I "$1" -DSECOND -Dunused_step=unused_step_too -c "$source" -o two.o
	expect_status 0
	for order in "one.o two.o" "two.o one.o"; do
		# shellcheck disable=SC2086 # words
		run "$2" "${@:4}" $order -o program
		expect_status 0
		expect "the linker has nothing to say" [ ! -s err ]
		run timeout 60 ./program
		ran="$* -- its program, of $order"
		expect_status 0
		ways=$((ways + 1))
	done
}
ways=0
linkers=()
for linker in bfd gold lld; do
	! type -P "ld.$linker" >/dev/null || linkers+=("$linker")
done
while read -r compiler; do
	linked "$ONCEPROOF_SOURCE/include" "$compiler" -O0
	for linker in "${linkers[@]}"; do
		linked "$ONCEPROOF_SOURCE/include" "$compiler" -O2 "-fuse-ld=$linker"
		[[ $compiler == *clang* && $linker != lld || $compiler != *clang* && $linker == lld ]] ||
			linked "$ONCEPROOF_SOURCE/include" "$compiler" "-O2 -flto" -flto "-fuse-ld=$linker"
		linked "$ONCEPROOF_SOURCE/include" "$compiler" "-O2 -fPIE -ffunction-sections" -pie "-fuse-ld=$linker" -Wl,--gc-sections
		[[ $linker == bfd ]] || linked "$ONCEPROOF_SOURCE/include" "$compiler" "-O2 -ffunction-sections" "-fuse-ld=$linker" \
			-Wl,--gc-sections,--icf=all
	done
done < <(each "$2" g++ clang++)

# counter/80_percpu.c, in C, where no function is in a group.
while read -r compiler; do
	for linker in "${linkers[@]}"; do
		for options in "" "-Wl,--gc-sections" "-Wl,--gc-sections,--icf=all"; do
			[[ $linker != bfd || $options != *icf* ]] || continue
			run "$compiler" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -ffunction-sections -I "$ONCEPROOF_SOURCE/impl" \
				-c "$ONCEPROOF_SOURCE/impl/counter/80_percpu.c" -o counter.o
			expect_status 0
			# shellcheck disable=SC2086 # a word or none
			run "$2" -std=c++11 -Wall -Wextra -Werror -O2 -I "$ONCEPROOF_SOURCE/include" -I "$ONCEPROOF_SOURCE/impl" -DCOUNTER "$source" counter.o \
				"-fuse-ld=$linker" $options -o program
			expect_status 0
			run ./program
			ran="80_percpu.c by $compiler, $linker $options"
			expect_status 0
			ways=$((ways + 1))
		done
	done
done < <(each "$1" gcc clang)

# What is dropped is dropped whole: of a program whose only increment nobody calls, no sequence is left.
printf '#include <onceproof/tally.h>\nvoid nobody(struct tally_percpu *t);\nvoid nobody(struct tally_percpu *t) { tally_percpu_add(t); }\nint main() { return 0; }\n' >unused.cc
for linker in "${linkers[@]}"; do
	run "$2" -I "$ONCEPROOF_SOURCE/include" -O2 -ffunction-sections -fuse-ld="$linker" -Wl,--gc-sections unused.cc -o unused
	expect_status 0
	run readelf -SW unused
	reject_out __rseq_c
done

# The check sees what it guards against. Without "?" the linker finds a descriptor that points into a function that it has dropped; without
# the signature, or with a descriptor of another sequence, no increment is restarted.
# broken WORDS SED
broken() {
	mkdir -p broken/onceproof
	sed "$2" "$ONCEPROOF_SOURCE/include/onceproof/tally.h" >broken/onceproof/tally.h
	ran="sed '$2'"
	expect "the header has what is to be broken" [ "$(diff "$ONCEPROOF_SOURCE/include/onceproof/tally.h" broken/onceproof/tally.h | grep -c '^>')" -ge 1 ]
	local failed=$failures
	linked "$scratch/broken" "$compiler" -O2 >seen 2>&1
	failures=$failed ran="$1"
	expect "is noticed" grep -q FAILED seen
}
compiler=$2
broken "sections in no group" 's/\(__rseq_c[a-z]*, \\"a[wx]\)?/\1/'
broken "no signature" 's/\.long %c\[signature\]/.long 0/'
broken "a descriptor that is elsewhere" 's/\.quad \.Ltally_begin%=, /.quad .Ltally_restart%= - 64, /'
echo "linked $ways ways"
expect "several ways" [ "$ways" -ge 4 ]
finish
