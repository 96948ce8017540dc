#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# onceproof check as its users use it: whole programs, one verdict, exit status, engines, baseline, cache, matrix, build systems, bad input.
. "$ONCEPROOF_SOURCE/cmake/check.sh"
cd "$scratch" || exit 1
export XDG_CACHE_HOME=$scratch/cache
unset GITHUB_ACTIONS CC CXX
check() {
	run "$ONCEPROOF" check --seed=7 "$@"
}
# of FILTER: what jq says of the last report.
of() {
	jq -r "$1" r.json
}
[[ -x ${ONCEPROOF%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }

cat >counter.c <<'C'
#include <pthread.h>
#include <stdatomic.h>
#ifdef FIXED
static _Atomic int counter;
#else
static int counter;
#endif

static void *count(void *unused)
{
	counter++;
	return unused;
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, count, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return counter != 2;
}
C

# A bug: the witness first, the places, the verdict, the status.
check counter.c --json=r.json
expect_status 1
expect_out "counter.c: a whole program"
expect_out "racy write counter"
expect_out "again: onceproof replay onceproof-witness/"
expect_out "counter.c: BUG (explore, "
expect "the witness comes before the verdict" awk '/again: /{w=NR} /: BUG \(/{v=NR} END{exit !(w && w < v)}' out
expect "one check" [ "$(of '.checks | length')" = 1 ]
expect "its verdict" [ "$(of '.checks[0] | .verdict + .engine + .kind')" = "bugexploreprogram" ]
expect "the exit status is a finding of its own" [ "$(of '[.results[0].findings[].kind] | sort | join(",")')" = "data-race,forbidden-outcome" ]
expect "line and file" [ "$(of '.results[0].findings[0].locations[0] | "\(.file):\(.line)"')" = "counter.c:11" ]
run "$ONCEPROOF" replay onceproof-witness/counter.c-forbidden-outcome*.json
expect_status 0
expect_out "Reproduced"

# Its fix, by a flag behind --.
check counter.c --json=r.json -- -DFIXED
expect_status 0
expect_out "counter.c: proved (explore, "
expect "flags are told" [ "$(of '.checks[0].flags | join(" ")')" = "-DFIXED" ]

# The other way round.
check counter.c --expect=bug -q
expect_status 0
check counter.c --expect=bug -q -- -DFIXED
expect_status 1
expect "quiet is one line" [ "$(wc -l <out)" = 1 ]

# Engines one by one: ThreadSanitizer sees the race; real runs alone prove nothing; valgrind informs.
check counter.c --engine=tsan --json=r.json
[[ $(of '.results[0].verdict') = skipped ]] || { expect_status 1; expect "tsan's places" [ "$(of '.results[0].findings[0].locations[0].line')" = 11 ]; }
check counter.c --engine=native --json=r.json -- -DFIXED
expect_status 0
expect "real runs are no proof" [ "$(of '.checks[0].verdict')" = not-found ]
if command -v valgrind >/dev/null; then
	check counter.c --engine=helgrind,drd --json=r.json
	expect_status 3
	expect "helgrind reports it, and decides nothing" [ "$(of '.results[0].verdict + "/" + .checks[0].verdict')" = "bug/inconclusive" ]
	check counter.c --engine=helgrind,drd --fail-on=finding
	expect_status 0
fi

# Stops when the answer is final, goes on when it is not.
check counter.c --engine=all --json=r.json -- -DFIXED
expect "proved is final" [ "$(of '[.results[].engine] | join(",")')" = explore ]
cat >outside.c <<'C'
#include <pthread.h>
#include <sys/socket.h>
static void *nothing(void *unused) { return unused; }
int main(void)
{
	pthread_t thread;
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return 2;
	pthread_create(&thread, NULL, nothing, NULL);
	return pthread_join(thread, NULL);
}
C
check outside.c --json=r.json
expect_status 0
expect "the other engines answered" [ "$(of '.checks[0].verdict')" = not-found ]
expect "what could not be explored is named" grep -q socketpair out
check outside.c --engine=explore
expect_status 3
check outside.c --engine=explore --fail-on=finding
expect_status 0

# Handlers of signals are never called by the explorer: who waits for one is no finding.
cat >handler.c <<'C'
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
static volatile sig_atomic_t stop;
static void on_alarm(int number) { (void)number; stop = 1; }
static void *work(void *unused)
{
	while (!stop)
		usleep(100);
	return unused;
}
int main(void)
{
	pthread_t thread;
	signal(SIGALRM, on_alarm);
	ualarm(1000, 0);
	pthread_create(&thread, NULL, work, NULL);
	return pthread_join(thread, NULL);
}
C
check handler.c --engine=explore --json=r.json
expect_status 3
expect "no finding" [ "$(of '.results[0].findings | length')" = 0 ]
expect_out "handlers are never called"

# Promises of a program.
check counter.c --promise=no_deadlock,no_crash --json=r.json
expect_status 0
expect_out "which --promise leaves out"
check counter.c --promise=same_status --json=r.json
expect_status 1
expect "only that" [ "$(of '[.results[0].findings[].kind] | join(",")')" = forbidden-outcome ]
check counter.c --promise=speed
expect_status 2
expect_err "'speed' is no promise of a program: choose from race_free"
cat >leak.c <<'C'
#include <stdlib.h>
int main(void) { volatile char *p = malloc(7); p[0] = 1; p = NULL; return 0; }
C
check leak.c -q
expect_status 0
check leak.c -q --promise=no_leak
expect_status 1

# An exit status that never is 0 is the program's own business, and is said; but who ends so before there are threads was not checked.
sed 's/return counter != 2;/return 3;/' counter.c >three.c
check three.c -- -DFIXED
expect_status 0
expect_out "exit status 3 in every execution"
echo 'int main(int count, char **words) { return words[0] && count > 1 ? 0 : 3; }' >usage.c
check usage.c
expect_status 3
expect_out "before it started a thread: does it need arguments"
check usage.c --arg=x
expect_status 0
expect_out "no thread was started"
check counter.c -DFIXED
expect_status 2
expect_err "go behind --: onceproof check FILE.c -- -DFIXED"

# A baseline: known findings pass, new ones fail, vanished ones are named; lines may move.
check counter.c --json=base.json
cp counter.c saved.c
sed -i '1i /* a line above */\n' counter.c
check counter.c --baseline=base.json --json=r.json
expect_status 0
expect_out "against the baseline: 0 new, 2 known, 0 vanished"
sed -i 's/^\tcounter++;/\tcounter += 1;/' counter.c
check counter.c --baseline=base.json --json=r.json
expect_status 1
expect "the changed line is new" [ "$(of '[.results[0].findings[] | select(.baseline == "new")] | length >= 1')" = true ]
check counter.c --baseline=base.json -- -DFIXED
expect_status 0
expect_out "0 new, 0 known, 2 vanished"
expect_out "vanished: data-race"
jq '.schema = "onceproof/9"' base.json >old.json
check counter.c --baseline=old.json
expect_status 2
expect_err "schema 'onceproof/9'"
check counter.c --baseline=nowhere.json
expect_status 2
mv saved.c counter.c

# The cache: the same code is not explored again; other code, flags, headers, witnesses, plans are.
rm -rf cache
echo '#define START 0' >start.h
sed 's/^static int counter;/#include "start.h"\nstatic int counter = START;/' counter.c >cached.c
# cached WHAT true|false ARGUMENT...: did the answer come from the cache?
cached() {
	check cached.c --json=r.json "${@:3}"
	expect "$1" [ "$(of '.checks[0].cached')" = "$2" ]
}
cached "first: explored" false
cp out first
cached "then: from the cache" true
expect_status 1
expect "the same text" diff <(sed 's/, from the cache//' out) first
cached "--no-cache" false --no-cache
cached "other flags" false -- -DFIXED
echo '#define START 1' >start.h
cached "another header" false
cached "and that one is kept, too" true
rm -r onceproof-witness
cached "without its witness" false
cached "another budget" false --budget=9
cached "another seed" false --seed=8
for entry in cache/onceproof/*; do printf 'onceproof-cache/1 7\ngarbage[]' >"$entry"; done
cached "a damaged entry" false
expect_status 1
printf '#include <stdio.h>\nint main(void) { FILE *f = fopen("there", "r"); return f != NULL; }\n' >reads.c
check reads.c -q
check reads.c --json=r.json
expect "what reads files is not kept" [ "$(of '.checks[0].cached')" = false ]
check outside.c --json=r.json
check outside.c --json=r.json
expect "what depends on the machine is not kept" [ "$(of '.checks[0].cached')" = false ]
rm -rf cache
touch cache
check counter.c
expect_status 1
expect_err "note: the cache cannot be written"
rm cache

# A matrix: a loop that a compiler may take for endless at -O1 is not at -O0.
check counter.c --matrix --json=r.json -- -DFIXED
expect_status 0
expect_out "All builds agree"
expect "four levels for each compiler" [ "$(of '.checks | length % 4')" = 0 ]
expect "levels are told" [ "$(of '[.checks[].flags[-1]][0:4] | join(" ")')" = "-O0 -O1 -O2 -O3" ]
sed 's/^#ifdef FIXED/#ifdef __OPTIMIZE__/' counter.c >levels.c
check levels.c --matrix --json=r.json -q
expect_status 1
expect_out "The builds DISAGREE"
expect "only -O0 has it" [ "$(of '[.checks[] | select(.verdict == "bug") | .flags[-1]] | unique | join(" ")')" = "-O0" ]

# What a build system made.
mkdir -p project/sub
cp counter.c project/main.c
sed -i 's/^\tcounter++;/\tadd(\&counter);/; s/^#include <pthread.h>/#include <pthread.h>\n#include "add.h"/; s/^static int counter/int counter/' project/main.c
echo 'void add(int *n);' >project/sub/add.h
printf '#include "add.h"\nvoid add(int *n)\n{\n\t*n += STEP;\n}\n' >project/sub/add.c
cat >project/CMakeLists.txt <<'C'
cmake_minimum_required(VERSION 3.20)
project(p C)
find_package(Threads)
add_executable(app main.c sub/add.c)
add_executable(other sub/add.c main.c)
target_compile_definitions(app PRIVATE STEP=1 "TEXT=\"a b\"")
target_compile_definitions(other PRIVATE STEP=2)
target_include_directories(app PRIVATE sub)
target_include_directories(other PRIVATE sub)
target_link_libraries(app Threads::Threads)
target_link_libraries(other Threads::Threads)
C
run cmake -S project -B project/build -DCMAKE_BUILD_TYPE=Debug -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
run cmake --build project/build
expect_status 0
check --exe project/build/app --json=r.json
expect_status 1
expect "its own name" [ "$(of '.results[0].subject')" = project/build/app ]
expect "a line of the second file" [ "$(of '[.results[0].findings[].locations[] | "\(.file):\(.line)"] | index("project/sub/add.c:4") != null')" = true ]
run "$ONCEPROOF" replay "$(of '.results[0].findings[0].witness')"
expect_status 0
mv project/build/compile_commands.json elsewhere.json
check --exe project/build/app
expect_status 2
expect_err "there is no compile_commands.json beside it"
check --exe project/build/app --compile-commands=elsewhere.json -q
expect_status 1
strip project/build/app
check --exe project/build/app --compile-commands=elsewhere.json
expect_status 2
expect_err "no debug information"
check --exe project/main.c
expect_status 2
expect_err "is no executable program"
check --exe project/build/app counter.c
expect_status 2

# Bad input: one line that says what and why, and the compiler's own words.
check
expect_status 2
expect_err "check: name the C files"
check missing.c
expect_status 2
expect_err "missing.c: No such file"
echo 'int main(void) { return undeclared; }' >broken.c
check broken.c
expect_status 2
expect_err "broken.c: does not compile:"
expect_err "undeclared"
echo 'int f(void) { return 1; }' >nomain.c
check nomain.c
expect_status 2
expect_err "nomain.c: there is no main"
head -c 4096 /dev/urandom >binary.c
check binary.c
expect_status 2
: >empty.c
check empty.c
expect_status 2
echo 'main: ret' >code.s
check code.s
expect_status 2
expect_err "assembly cannot be looked into"
check counter.c -- -fno-such-flag
expect_status 2
expect_err "no-such-flag"
check counter.c --engine=magic
expect_status 2
check counter.c --budget=soon
expect_status 2
check counter.c --budget=-1s
expect_status 2
CC=no-such-compiler check counter.c
expect_status 2
expect_err "no-such-compiler: cannot be run"
expect "said once" [ "$(grep -c cannot err)" = 1 ]
check counter.c --json=/nowhere/r.json
expect_status 2
ln -s /nowhere/at/all link.json
check counter.c --json=link.json
expect_status 2
mkdir readonly && chmod a-w readonly
[[ $EUID -eq 0 ]] || { check counter.c --witness=readonly/w; expect_status 2; }
chmod u+w readonly
finish
