#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# <onceproof/tally.h> compiles by itself, in every language standard that it is for, with and without the C library's extensions and
# restartable sequences, without a warning; and what was compiled runs.
#
#   test_tally_header.sh C_COMPILER CXX_COMPILER     both, and whichever of gcc, g++, clang and clang++ is there
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
warnings=(-Wall -Wextra -Wconversion -Wsign-conversion -Wpedantic -Wshadow -Wcast-qual -Wundef -Wredundant-decls -Werror)
cat >"$scratch/use.c" <<'C'
#include <onceproof/tally.h>
#include <onceproof/tally.h>
static struct tally done = TALLY_INITIALISER;
static uint64_t shown;
static void show(void *arg, uint64_t number)
{
	(void)arg;
	shown = number;
}
static struct teller teller = TELLER_INITIALISER(&done, show, NULL, TELLER_MS(100));
static struct tally_percpu everywhere = TALLY_PERCPU_INITIALISER;
int main(void)
{
	struct tally_seat *seat = tally_join(&done);
	if (!seat || tally_value(&done) != 0)
		return 1;
	tally_add(seat);
	teller_add(&teller, seat);
	tally_add_batched(seat);
	tally_put(seat, tally_own(seat) + 1);
	if (tally_step(&done) != 1 || tally_ticket(seat) != 1)
		return 2;
	tally_leave(seat);
	teller_tell(&teller);
	if (shown != 6 || tally_value_fenced(&done) != 6 || tally_value(&done) - tally_approximate(&done) > tally_approximate_error(&done))
		return 3;
	tally_close(&done);
	int why = tally_percpu_open(&everywhere);
	tally_percpu_add(&everywhere);
	if ((why != 0 && why != ENOSYS) || tally_percpu_value(&everywhere) != 1)
		return 4;
	tally_percpu_close(&everywhere);
	return 0;
}
C
cp "$scratch/use.c" "$scratch/use.cc"

# compiles COMPILER FILE STANDARD OPTIONS...
compiles() {
	run "$1" "-std=$3" "${warnings[@]}" "${@:4}" -I "$ONCEPROOF_SOURCE/include" "$2" -o "$scratch/use" -pthread
	expect_status 0
	[[ $status -ne 0 ]] || run "$scratch/use"
	expect_status 0
	compiled=$((compiled + 1))
}

# each COMMAND...: the compilers among them that are there, each once.
each() {
	local name
	for name in "$@"; do
		type -P "$name"
	done | sort -u
}
# A class's member functions and inline functions exist in every file that calls them; the linker keeps one, with all that belongs to it.
cat >"$scratch/inline.h" <<'H'
#include <onceproof/tally.h>
extern struct tally_percpu everywhere;
template <class T> struct worker {
	__attribute__((noinline)) static void step()
	{
		tally_percpu_add(&everywhere);
	}
};
inline __attribute__((noinline)) void two_steps()
{
	tally_percpu_add(&everywhere);
	tally_percpu_add(&everywhere);
}
void elsewhere();
H
cat >"$scratch/one.cc" <<'CC'
#include "inline.h"
struct tally_percpu everywhere = TALLY_PERCPU_INITIALISER;
int main()
{
	tally_percpu_open(&everywhere);
	worker<int>::step();
	two_steps();
	elsewhere();
	return tally_percpu_value(&everywhere) == 6 ? 0 : 1;
}
CC
printf '#include "inline.h"\nvoid elsewhere()\n{\n\tworker<int>::step();\n\ttwo_steps();\n}\n' >"$scratch/two.cc"
while read -r compiler; do
	for options in -O0 -O2 "-O2 -fPIC -ffunction-sections -Wl,--gc-sections"; do
		# shellcheck disable=SC2086 # words
		run "$compiler" -std=c++11 "${warnings[@]}" $options -I "$ONCEPROOF_SOURCE/include" "$scratch/one.cc" "$scratch/two.cc" \
			-o "$scratch/inline"
		expect_status 0
		run "$scratch/inline"
		expect_status 0
	done
done < <(each "$2" g++ clang++)
compiled=0
while read -r compiler; do
	for standard in c11 c17 gnu11 gnu17; do
		compiles "$compiler" "$scratch/use.c" $standard -O2 -Wmissing-prototypes -Wstrict-prototypes
	done
	compiles "$compiler" "$scratch/use.c" gnu11 -O0 -D_GNU_SOURCE
	compiles "$compiler" "$scratch/use.c" gnu11 -O2 -fPIC -shared-libgcc -DTALLY_HAS_PERCPU=0
done < <(each "$1" gcc clang)
while read -r compiler; do
	for standard in c++11 c++14 c++17 c++20; do
		compiles "$compiler" "$scratch/use.cc" $standard -O2 -Wold-style-cast
	done
	compiles "$compiler" "$scratch/use.cc" gnu++17 -O0 -DTALLY_HAS_PERCPU=0
done < <(each "$2" g++ clang++)
# Users build with ThreadSanitizer too; gcc must not warn them of our fence.
run "$1" -std=gnu11 "${warnings[@]}" -O1 -fsanitize=thread -I "$ONCEPROOF_SOURCE/include" -c "$scratch/use.c" -o "$scratch/use.o"
expect_status 0
echo "compiled $compiled ways"
expect "several ways" [ "$compiled" -ge 11 ]
finish
