#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The examples of <onceproof/once.h> run, as C and as C++, with all compilers, with futexes and without; they are proved, and refuted with
# a header that has a bug.
#
#   test_once_examples.sh C_COMPILER CXX_COMPILER     both, and whichever of gcc, g++, clang and clang++ is there
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
. "$ONCEPROOF_SOURCE/include/compilers.sh"
onceproof=${ONCEPROOF:?}
examples=$ONCEPROOF_SOURCE/examples/once
cd "$scratch" || exit 1

# examples SUFFIX COMPILER OPTIONS...: each one, its name ending in SUFFIX.
examples() {
	local name
	for name in words account settings; do
		cp "$examples/$name.c" "$name.$1"
	done
	runs "${@:2}" "words.$1"
	expect "two threads, one table" grep -qxF '4 4' out
	runs "${@:2}" -fsanitize=address,undefined -fno-sanitize-recover=all "account.$1"
	expect "one mailbox for two threads" grep -qxF 'mail of ada' out
	run "${@:2}" "${warnings[@]}" -I "$ONCEPROOF_SOURCE/include" -fsanitize=address,undefined "settings.$1" -o settings -pthread
	expect_status 0
	rm -f file
	run ./settings file
	expect_status 0
	expect "the first start, then a new file" [ "$(cat out)" = $'volume 7\nvolume 8' ]
	run ./settings file
	expect "what was saved is read" [ "$(cat out)" = $'volume 8\nvolume 9' ]
	echo nonsense >file
	run ./settings file
	expect_status 1
	expect_err "file: Invalid argument"
}
for way in -UONCE_NO_FUTEX -DONCE_NO_FUTEX; do
	while read -r compiler; do
		examples c "$compiler" -std=gnu11 -O2 $way
	done < <(each "$1" gcc clang)
	while read -r compiler; do
		examples cc "$compiler" -std=c++11 -O2 $way
	done < <(each "$2" g++ clang++)
	run "$1" -Wall -Wextra -Werror $way -I "$ONCEPROOF_SOURCE/include" "$examples/reload.c" -o reload -pthread
	expect_status 0
	run ./reload --rounds=500
	expect_status 0
done
echo "compiled $compiled ways"
expect "several ways" [ "$compiled" -ge 8 ]
[[ -x ${onceproof%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer: the examples ran, no more"; finish; }
export CC=$1
for way in -UONCE_NO_FUTEX -DONCE_NO_FUTEX; do
	for name in words account reload; do
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
