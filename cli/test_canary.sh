#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# onceproof doctor --canary: every engine sees its bugs with this compiler, and one that was blinded is named.
. "$ONCEPROOF_SOURCE/cmake/check.sh"
cd "$scratch" || exit 1
[[ -e $ONCEPROOF_BUILD/libexec/onceproof/explore_program.o ]] || { echo "this build has no explored code"; exit 77; }
unset CC CXX TSAN_OPTIONS VALGRIND_OPTS
export TMPDIR=$scratch/tmp
mkdir tmp
canary() {
	run "$ONCEPROOF" doctor --canary --seed=1 --json=r.json "$@"
	expect "no temporary file: $(ls -A tmp)" test -z "$(ls -A tmp)"
}
# states ENGINE STATE N: that engine is in that state for N canaries.
states() {
	local count
	count=$(jq --arg e "$1" --arg s "$2" '[.canaries[] | select(.engine == $e and .state == $s)] | length' r.json)
	expect "$1: '$2' $3 times, not $count" test "$count" = "$3"
}
for compiler in gcc clang; do
	command -v $compiler >/dev/null || continue
	CC=$compiler canary -- -O2 -Wall -Wextra -Werror
	expect_status 0
	expect_out 'sees the bugs that it should'
	states explore 'as it should be' 5
	states tsan 'as it should be' 2
	states native 'as it should be' 1
done

# What would blind it in the surroundings does not reach it.
TSAN_OPTIONS=report_bugs=0 VALGRIND_OPTS=--suppressions=/nonexistent canary
expect_status 0
states tsan 'as it should be' 2

# Blinded by what is built in: ThreadSanitizer alone; then whatever is instrumented.
printf 'const char *__tsan_default_options(void);\nconst char *__tsan_default_options(void) { return "report_bugs=0"; }\n' >silent.h
canary -- -include "$scratch/silent.h"
expect_status 1
expect_out 'tsan: blind (data race; no report in 5 runs at full speed). What to do: a flag'
states tsan blind 2
states explore 'as it should be' 5
printf '#include <assert.h>\n#include <pthread.h>\n#include <stdatomic.h>\n#include <stdlib.h>\n#define static __attribute__((no_sanitize_thread)) static\n' >uninstrumented.h
CC=gcc canary -- -include "$scratch/uninstrumented.h" -Wno-attributes # clang takes the attribute for functions alone
expect_status 1
expect_out 'explore: blind (data race'
expect_out 'tsan: blind (data race'
states native 'as it should be' 1

# Whoever takes away the fix is found out, too.
printf '#undef FIXED\n' >unfixed.h
canary -- -include "$scratch/unfixed.h"
expect_status 1
expect_out 'explore: accuses (data race'
states explore accuses 5

canary -- -fno-such-flag
expect_status 2
expect_err 'no-such-flag'
CC=/nonexistent/cc canary
expect_status 2
expect_err '/nonexistent/cc'
run "$ONCEPROOF" doctor -- -O2
expect_status 2
expect_err 'compiler flags are for --canary'
finish
