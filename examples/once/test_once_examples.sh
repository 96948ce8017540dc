#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The examples of <onceproof/once.h> run, are proved, with futexes and without, and are refuted with a header that has a bug.
#
#   test_once_examples.sh C_COMPILER
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
onceproof=${ONCEPROOF:?}
examples=$ONCEPROOF_SOURCE/examples/once
cd "$scratch" || exit 1

for way in -UONCE_NO_FUTEX -DONCE_NO_FUTEX; do
	run "$1" -Wall -Wextra -Werror $way -I "$ONCEPROOF_SOURCE/include" "$examples/words.c" -o words -pthread
	expect_status 0
	run ./words
	expect_status 0
	expect "two threads, one table" grep -qxF '4 4' out
	run "$1" -Wall -Wextra -Werror $way -I "$ONCEPROOF_SOURCE/include" "$examples/reload.c" -o reload -pthread
	expect_status 0
	run ./reload --rounds=500
	expect_status 0
done
[[ -x ${onceproof%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer: the examples ran, no more"; finish; }
export CC=$1
for way in -UONCE_NO_FUTEX -DONCE_NO_FUTEX; do
	for name in words reload; do
		run "$onceproof" check "$examples/$name.c" -- $way
		expect_status 0
		expect_out "proved"
		reject_out "within a bound"
	done
done

# refuted NAME SED_EXPRESSION EXPECTED [OPTION]: with the header changed so, `check NAME.c` finds EXPECTED.
refuted() {
	mkdir -p changed/onceproof
	sed "$2" "$ONCEPROOF_SOURCE/include/onceproof/once.h" >changed/onceproof/once.h
	expect "'$2' changes the header" [ "$(diff "$ONCEPROOF_SOURCE/include/onceproof/once.h" changed/onceproof/once.h | grep -c '^>')" -eq 1 ]
	run "$onceproof" check "$examples/$1.c" -- "${4:--UONCE_NO_FUTEX}" -I changed
	expect_status 1
	expect_out "$3"
}
refuted words '0,/__atomic_store_n(&it->instance, instance, __ATOMIC_RELEASE)/s//__atomic_store_n(\&it->instance, instance, __ATOMIC_RELAXED)/' "nothing orders the two"
refuted reload '/&it->state, &seen, self, 0/s/__ATOMIC_ACQUIRE/__ATOMIC_RELAXED/' "nothing orders the two"
# Nobody is woken; and who was asleep for a failed load is forgotten.
refuted words 's/if (state & ONCE_ASLEEP_)/if (0)/' "wait"
refuted words 's/if (it->asleep)/if (0)/' "wait" -DONCE_NO_FUTEX
finish
