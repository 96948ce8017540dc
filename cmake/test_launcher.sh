#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The launcher, on a small tree of its own (in a folder with spaces in its name) and on machines that lack things: PATH is a folder
# of links, and apt-get is a stub that writes down what it was asked.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
unset ONCEPROOF_PRESET ONCEPROOF_NO_INSTALL ONCEPROOF_BUILD_DIR

tree="$scratch/a tree"
mkdir -p "$tree" "$scratch/elsewhere"
cp "$ONCEPROOF_SOURCE/onceproof" "$ONCEPROOF_SOURCE/CMakePresets.json" "$tree"
cat >"$tree/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(small LANGUAGES C)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
add_executable(onceproof main.c)
add_custom_target(programs DEPENDS onceproof)
enable_testing()
add_test(NAME passes COMMAND true)
add_test(NAME long_and_failing COMMAND false)
set_tests_properties(long_and_failing PROPERTIES LABELS full)
END
cat >"$tree/main.c" <<'END'
#include <stdio.h>
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("<%s>\n", argv[i]);
	return 7;
}
END

# A folder for PATH with links to the named programs (to `true` for one that is not here either).
path_with() {
	local folder="$scratch/path" name found
	rm -rf "$folder"
	mkdir "$folder"
	for name in bash env dirname readlink realpath uname sed grep mkdir cat tail rm flock "$@"; do
		found=$(type -P "$name" || type -P true)
		ln -s "$found" "$folder/$name"
	done
}

# stub NAME SCRIPT: a stub in that folder. The link that may stand there is removed first: writing through it would hit the real program.
stub() {
	rm -f "$scratch/path/$1"
	printf '#!%s\n%s\n' "$(type -P bash)" "$2" >"$scratch/path/$1"
	chmod +x "$scratch/path/$1"
}

# stubs [STATUS]: an apt-get that knows packages (0) or does not (100), installs nothing, and writes down what it was asked to do.
stubs() {
	stub apt-get "[[ \$1 == -s ]] && exit ${1:-100}; echo \"\$*\" >>'$scratch/asked'"
	stub dpkg-query "exit 1"
	stub sudo 'exec "$@"'
	: >"$scratch/asked"
}

# --- what is missing is listed, and with ONCEPROOF_NO_INSTALL nothing is touched
path_with
stubs
ONCEPROOF_NO_INSTALL=1 PATH="$scratch/path" run "$tree/onceproof" list
expect_status 2
for package in gcc g++ cmake ninja-build pkg-config binutils libbenchmark-dev libcmocka-dev libjansson-dev libdw-dev libexpat1-dev; do
	expect "the list of missing packages should have $package" grep -qE -- "missing: .*$package( |\$)" "$scratch/err"
done
expect_err "missing, optional: valgrind"
expect_err "apt-get install"
expect "ONCEPROOF_NO_INSTALL should keep apt-get from being called" [ ! -s "$scratch/asked" ]
expect "stdout belongs to the program" [ ! -s "$scratch/out" ]

ONCEPROOF_NO_INSTALL=1 PATH="$scratch/path" run "$tree/onceproof" --preset clang list
expect_status 2
expect_err "clang"

# --- only what is missing, and what only tests need only for tests
path_with gcc g++ cmake pkg-config objdump valgrind
stubs
ONCEPROOF_NO_INSTALL=1 PATH="$scratch/path" run "$tree/onceproof" list
expect_status 2
expect_err "missing: ninja-build"
reject_err "libjansson-dev"
reject_err "python3"
reject_err "valgrind"

ONCEPROOF_NO_INSTALL=1 PATH="$scratch/path" run "$tree/onceproof" test
expect_status 2
expect_err "missing: ninja-build python3 jq"

# --- other people's libraries: the small ones for what measures, all or none on request, all for tests
path_with gcc g++ cmake objdump valgrind
stubs
stub pkg-config "exit 1"
missing_for() {
	ONCEPROOF_NO_INSTALL=1 PATH="$scratch/path" run env ${2:+"ONCEPROOF_PEERS=$2"} "$tree/onceproof" "$1"
	grep 'missing, optional' "$scratch/err" >"$scratch/wishes" || :
}
missing_for list
expect "list needs no peers" test ! -s "$scratch/wishes"
for command in bench report; do
	missing_for $command
	expect "$command should wish for small peers" grep -q 'libck-dev liburcu-dev libabsl-dev libtbb-dev' "$scratch/wishes"
	expect "$command should not wish for large peers" test -z "$(grep glib "$scratch/wishes")"
	missing_for $command 1
	expect "$command should wish for all peers" grep -q 'libck-dev.*libglib2.0-dev' "$scratch/wishes"
	missing_for $command 0
	expect "$command should wish for no peers" test ! -s "$scratch/wishes"
done
missing_for test
expect "tests should wish for all peers" grep -q 'libck-dev.*libglib2.0-dev' "$scratch/wishes"
path_with gcc g++ cmake pkg-config objdump valgrind
stubs

# --- it says what it installs, refreshes unknown package lists first, and does not go on when that did not help
PATH="$scratch/path" run "$tree/onceproof" list
expect_status 2
expect_err "installing: ninja-build"
expect_err "apt-get install --no-install-recommends ninja-build"
expect_err "still not found after installing: ninja"
expect "package lists should be refreshed first" grep -q ' update$' <(head -n 1 "$scratch/asked")
expect "the package should be asked for" grep -q 'install --no-install-recommends ninja-build$' "$scratch/asked"

# --- package lists that know the name are not refreshed
stubs 0
PATH="$scratch/path" run "$tree/onceproof" list
expect "package lists should be left alone" test -z "$(grep ' update$' "$scratch/asked")"

# --- a failing installation is no success
stub apt-get 'echo "E: no route" >&2; exit 100'
PATH="$scratch/path" run "$tree/onceproof" list
expect_status 2
expect_err "could not install ninja-build"
expect_err "E: no route"

# --- neither root nor sudo
if [[ $EUID -eq 0 ]] && type -P setpriv >/dev/null; then
	path_with gcc g++ cmake pkg-config objdump valgrind setpriv
	stubs
	rm "$scratch/path/sudo"
	chmod 755 "$scratch"
	mkdir -m 777 "$scratch/nobody"
	PATH="$scratch/path" run setpriv --reuid 65534 --regid 65534 --clear-groups \
		env ONCEPROOF_BUILD_DIR="$scratch/nobody" "$tree/onceproof" list
	expect_status 2
	expect_err "not root and no sudo here"
	PATH="$scratch/path" run setpriv --reuid 65534 --regid 65534 --clear-groups "$tree/onceproof" list
	expect_status 2
	expect_err "cannot write $tree/build/gcc"
	expect_err "ONCEPROOF_BUILD_DIR"
fi

# --- no apt: the tools are named
path_with gcc g++ cmake pkg-config objdump
PATH="$scratch/path" run "$tree/onceproof" list
expect_status 2
expect_err "not found: ninja: install"
expect_err "valgrind: what needs them will be skipped"

# --- another kernel
path_with
stub uname "echo Plan9"
PATH="$scratch/path" run "$tree/onceproof" list
expect_status 2
expect_err "this is Plan9, and onceproof needs Linux"

# --- help builds nothing; no command is misuse
rm -rf "$tree/build"
run "$tree/onceproof" --help
expect_status 0
expect_out "test [--full]"
expect "help should build nothing" [ ! -e "$tree/build" ]
run "$tree/onceproof"
expect_status 2
run "$tree/onceproof" --preset nonesuch list
expect_status 2
expect_err "choose one of gcc, clang"

# --- builds, and hands on arguments and exit status; from another directory and through a symbolic link
export ONCEPROOF_NO_INSTALL=1 # a test never installs
run "$tree/onceproof" "one word" '*'
expect_status 7
expect "stdout should be the program's alone" diff - "$scratch/out" <<<$'<one word>\n<*>'
ln -s "../a tree/onceproof" "$scratch/elsewhere/link"
cd "$scratch/elsewhere" || exit 1
run ./link list
expect_status 7
expect_out "<list>"
expect "nothing should be said when nothing is done" [ ! -s "$scratch/err" ]
expect "nothing should be built elsewhere" [ ! -e build ]

# --- other peers than when it was configured: what measures has CMake look again, once; the rest does not mind
run ./link bench
expect_status 7
echo other >"$tree/build/gcc/peers.stamp"
run ./link list
reject_err "configuring"
run ./link bench
expect_status 7
expect_err "configuring"
run ./link bench
reject_err "configuring"

# --- a change is built; one that does not compile is shown, and the old program is not run in its place
sed -i 's/return 7/return 8/' "$tree/main.c"
run ./link list
expect_status 8
echo "this is no C" >>"$tree/main.c"
run ./link list
expect_status 2
expect_err "main.c:8"
expect_err "the build failed"
reject_out "<list>"
sed -i '$d' "$tree/main.c"

# --- two at once: the second waits for the first, then runs
exec 8>"$tree/build/gcc/launcher.lock"
flock 8
"$tree/onceproof" second >"$scratch/second" 2>&1 8>&- &
for _ in {1..200}; do
	grep -q "waiting for another build" "$scratch/second" && break
	kill -0 $! 2>/dev/null || break
	sleep 0.05
done
expect "it should wait for the lock" grep -q "waiting for another build" "$scratch/second"
expect "it should not run before" test -z "$(grep "<second>" "$scratch/second")"
exec 8>&-
wait $!
expect "it should end well after that" [ $? -eq 8 ]
expect "it should run after that" grep -q "<second>" "$scratch/second"

# --- tests: CTest's closing lines and status
run "$tree/onceproof" test
expect_status 0
expect_out "100% tests passed, 0 tests failed out of 1"
expect "JUnit results should be kept" grep -q '<testsuite' "$tree/build/gcc/test-results.xml"
run "$tree/onceproof" test --full
expect_status 8
expect_out "50% tests passed, 1 tests failed out of 2"
run "$tree/onceproof" test -- -R passes
expect_status 0
run "$tree/onceproof" test -- -R nonesuch
expect "no test at all should not pass" [ "$status" -ne 0 ]
run "$tree/onceproof" test nonsense
expect_status 2

# --- a tree that moved
mv "$tree" "$scratch/moved"
run "$scratch/moved/onceproof" list
expect_status 8
expect_err "moved here from"

# --- a build folder of one's own
ONCEPROOF_BUILD_DIR="$scratch/own" run "$scratch/moved/onceproof" list
expect_status 8
expect "the program should be in ONCEPROOF_BUILD_DIR" [ -x "$scratch/own/gcc/bin/onceproof" ]
finish
