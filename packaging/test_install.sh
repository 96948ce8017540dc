#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cmake --install into a prefix that is moved afterwards; then everything works from there, without source tree and build folder, and a
# third project uses it through CMake and through pkg-config.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
. "$ONCEPROOF_SOURCE/packaging/hidden.sh"
[[ -x $ONCEPROOF_BUILD/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }
unset CC CXX CFLAGS LDFLAGS DESTDIR CMAKE_PREFIX_PATH PKG_CONFIG_PATH GTEST_TOTAL_SHARDS GITHUB_ACTIONS
export XDG_CACHE_HOME="$scratch/cache"
cp -r "$ONCEPROOF_SOURCE/examples/project" "$scratch/project"

run cmake --install "$ONCEPROOF_BUILD" --prefix "$scratch/first"
expect_status 0
mv "$scratch/first" "$scratch/moved"
prefix=$scratch/moved
mkdir "$scratch/links" "$scratch/work" && cd "$scratch/work" || exit 1
ln -s "$prefix/bin/onceproof" "$scratch/links/onceproof"
onceproof=$scratch/links/onceproof
for file in bin/onceproof libexec/onceproof/explore_program.o include/onceproof.h include/onceproof/counter.h include/onceproof/once.h include/onceproof/tally.h \
	share/doc/onceproof/README.md share/doc/onceproof/docs/once.md share/doc/onceproof/docs/tally.md \
	share/doc/onceproof/examples/project/CMakeLists.txt share/bash-completion/completions/onceproof share/zsh/site-functions/_onceproof \
	share/fish/vendor_completions.d/onceproof.fish share/pkgconfig/onceproof.pc; do
	expect "$file should be installed" [ -s "$prefix/$file" ]
done
mentions_of_home "$prefix" >"$scratch/out"
ran="cmake --install" status=""
expect "nothing installed should mention the source tree or the build folder" [ ! -s "$scratch/out" ]

# --- the program alone, through a link
run hidden test -e "$ONCEPROOF_SOURCE/README.md"
[[ $status -eq 0 ]] || hides=1
run hidden "$onceproof" list
expect_status 0
expect_out "counter/naive"
run hidden "$onceproof" stress counter/mutex/two_increments --engine=tsan,native
expect_status 0
run hidden "$onceproof" explore counter/load_store/two_increments --color=never
expect_status 0
expect_out "atomic_store_explicit(&c->value, step,"
cd "$scratch/project" || exit 1
run hidden "$onceproof" check checks/first_use.c before/words.c -- -I.
expect_status 1
expect_out "before/words.c"
run hidden "$onceproof" check checks/first_use.c after/words.c --engine=all -- -I.
expect_status 0
run hidden "$onceproof" check checks/counting.c before/progress.c -- -I.
expect_status 1
run hidden "$onceproof" check checks/counting.c after/progress.c -- -I.
expect_status 0
echo "run with the source tree ${hides:+hidden}${hides:-visible}" | sed 's/hidden1/hidden/'
# A program without its helpers says so.
cp "$prefix/bin/onceproof" "$scratch/alone"
run "$scratch/alone" check checks/first_use.c
expect_status 2
expect_err "installed completely"

# --- CMake: red on the bugs, green on the fixes
# build SOURCES: configures and builds the project, and runs its checks.
build() {
	run cmake -S "$scratch/project" -B "$scratch/built" -DCMAKE_PREFIX_PATH="$prefix" -DSOURCES="$1"
	expect_status 0
	run cmake --build "$scratch/built"
	expect_status 0
	run ctest --test-dir "$scratch/built" -L onceproof --output-on-failure
}
build before
expect "the checks should fail" [ "$status" -ne 0 ]
expect_out "0% tests passed, 2 tests failed out of 2"
expect_out "nothing orders the two"
expect_out "before/words.c:"
reject_out "$scratch/project/before"
for kind in json xml sarif; do
	expect "first_use.$kind should be there" [ -s "$scratch/built/onceproof/first_use.$kind" ]
done
build after
expect_status 0
expect_out "100% tests passed, 0 tests failed out of 2"
run ctest --test-dir "$scratch/built" -L races -N
expect_out "Total Tests: 2"
run "$scratch/built/counting_natively"
expect_status 0

# --- make and pkg-config
export PKG_CONFIG_PATH=$prefix/share/pkgconfig
run pkg-config --modversion onceproof
expect "the version of the program" grep -qxF "$("$onceproof" --version | sed 's/.* //')" "$scratch/out"
if type -P make >/dev/null; then
	run make check
	expect "the checks should fail" [ "$status" -ne 0 ]
	expect_out "nothing orders the two"
	run make check counting indexer SOURCES=after
	expect_status 0
	expect_out "proved"
	run ./counting
	expect_status 0
fi

# --- a header to take along
run "${CC:-cc}" -I "$prefix/include" "$prefix/share/doc/onceproof/examples/once/words.c" -o words -pthread
expect_status 0
run ./words
expect_status 0
run hidden "$onceproof" check "$prefix/share/doc/onceproof/examples/once/words.c"
expect_status 0
expect_out "proved"

# --- the function's arguments, and what it refuses
mkdir "$scratch/other" "$scratch/other/include"
printf '#ifdef TEXT\nconst char text[] = TEXT;\n#endif\nint main(void) { return WANTED - HEADER; }\n' >"$scratch/other/ok.c"
sed -i '1i #include <header.h>' "$scratch/other/ok.c"
echo '#define HEADER 3' >"$scratch/other/include/header.h"
# configure LINE...: a project with these lines behind find_package.
configure() {
	rm -rf "$scratch/other/build"
	printf '%s\n' 'cmake_minimum_required(VERSION 3.16)' 'project(other LANGUAGES C)' 'enable_testing()' \
		"find_package(onceproof ${version:-0.1} REQUIRED)" "$@" >"$scratch/other/CMakeLists.txt"
	run cmake -S "$scratch/other" -B "$scratch/other/build" -DCMAKE_PREFIX_PATH="$prefix"
}
configure 'add_executable(ok ok.c)' 'target_include_directories(ok PRIVATE include)' \
	'target_compile_definitions(ok PRIVATE WANTED=3 "TEXT=\"two words\"")' 'onceproof_add_check(whole TARGET ok)' 'onceproof_add_check(wrong_kind TARGET ok KIND scenario)' \
	'onceproof_add_check(no_bug TARGET ok EXPECT bug)' 'onceproof_add_check(flags SOURCES ok.c FLAGS -DWANTED=3 "-I${PROJECT_SOURCE_DIR}/include" ENGINES explore native)' \
	'onceproof_add_check(unbuilt SOURCES ok.c)'
expect_status 0
run ctest --test-dir "$scratch/other/build" --output-on-failure
for name in wrong_kind no_bug unbuilt; do
	expect "$name should fail" grep -qE "$name .*Failed" "$scratch/out"
done
for name in whole flags; do
	expect "$name should pass" grep -qE "$name .*Passed" "$scratch/out"
done
expect_out "--kind asks for a scenario file"
for line in 'KIND library' 'EXPECT nothing' 'BUDGET long' 'TARGET missing' 'NONSENSE 1' 'LABELS none'; do
	configure "onceproof_add_check(refused $line)"
	expect "'$line' should be refused" [ "$status" -ne 0 ]
	expect_err "onceproof_add_check(refused)"
done
version=0.9 configure
expect "another version should be refused" [ "$status" -ne 0 ]
finish
