#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `onceproof witness`: tests that force an interleaving are red on the bug every time and green on its fix, with gcc and clang; what they
# say when the code changes.   test_witness.sh PART
. "$ONCEPROOF_SOURCE/cmake/check.sh"
[ -e "$(dirname "$ONCEPROOF")/../libexec/onceproof/explore_program.o" ] || { echo "this build has no explored code"; exit 77; }
cd "$scratch" || exit 1
rounds=20
compilers=""
for compiler in gcc clang; do
	command -v $compiler >/dev/null && compilers+=" $compiler"
done

# half FILE WHICH: the buggy ("bug") or the mended ("fix") program of a file of the suite, as its author would have it.
half() {
	awk -v fix="$([ "$2" = fix ] && echo 1 || echo 0)" '
		/^#ifdef FIXED/ { inside = 1; keep = fix; next }
		/^#ifndef FIXED/ { inside = 1; keep = !fix; next }
		inside && /^#else/ { keep = !keep; next }
		inside && /^#endif/ { inside = 0; next }
		!inside || keep' "$1"
}

# made FILE KIND: p.c, a witness of that kind, and forced.c from it.
made() {
	rm -rf onceproof-witness forced.c turnstile-*.o
	"$ONCEPROOF" check --engine=explore --seed=1 --no-cache p.c >check.txt 2>&1
	witness=$(ls onceproof-witness/p.c-*"$1"-*.json 2>/dev/null | head -n 1)
	run "$ONCEPROOF" witness --c "$witness" --out forced.c
	expect_status 0
}

# build COMPILER: with the very commands that stand in the head of the test.
build() {
	sed -n "/[Ww]ith $1:\$/,/&& .\/forced_test\$/p" forced.c | sed -n 's/^ \*   //p' |
		sed "s/ && .*//; s/this_file.c/forced.c/; s/-O1 -g forced/-O1 -g -Wall -Wextra -Werror forced/; s|\$(pkg-config --cflags onceproof)|-I'$ONCEPROOF_SOURCE/include'|" >build.sh
	# The turnstile is the same for the program and for its fix.
	[ ! -e turnstile-$1.o ] || sed -i "/forced.c/s|.*|cp turnstile-$1.o turnstile.o|" build.sh
	run sh -e build.sh
	expect_status 0
	cp turnstile.o turnstile-$1.o
}

# always STATUS WHAT: the test ends so every time.
always() {
	for _ in $(seq $rounds); do
		run ./forced_test
		expect_status "$1"
		[[ $status -eq $1 ]] || return
	done
	echo "  $2: $(cat out err | tail -n 1 | cut -c 1-150)"
}

# pair FILE KIND: red on the bug, green on the fix.
pair() {
	local file=$ONCEPROOF_SOURCE/stress/check/suite/$1.c
	echo "$1 $2"
	half "$file" bug >p.c
	made "$2"
	for compiler in $compilers; do
		half "$file" bug >p.c
		build $compiler
		always 1 "$compiler, bug"
		half "$file" fix >p.c
		build $compiler
		always 0 "$compiler, fix"
	done
}

changes() {
	cat >p.c <<'END'
#include <pthread.h>
static int counter;
static void *work(void *arg)
{
	counter++;
	return arg;
}
int main(void)
{
	pthread_t a, b;
	pthread_create(&a, 0, work, 0);
	pthread_create(&b, 0, work, 0);
	pthread_join(a, 0);
	pthread_join(b, 0);
	return counter == 2 ? 0 : 1;
}
END
	cp p.c first.c
	made forbidden-outcome
	expect "the head shows the interleaving" grep -q 'counter++;' forced.c
	echo "lines above, names, white space"
	{ for i in 1 2 3 4 5; do echo "/* remark $i */"; done; sed 's/^\tcounter++;/    counter ++;/; s/^static void/int further;\n&/' first.c; } >p.c
	build gcc
	always 1 "moved"
	sed 's/counter/total/g' first.c >p.c
	build gcc
	always 1 "renamed"
	echo "a lock, on one side only: still there"
	sed 's/^static void \*work/static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;\n&/
		s/^\tcounter++;/\tif (arg) pthread_mutex_lock(\&m);\n&\n\tif (arg) pthread_mutex_unlock(\&m);/
		s/&b, 0, work, 0/\&b, 0, work, \&b/' first.c >p.c
	build gcc
	always 1 "half a lock"
	echo "mended in three ways"
	sed 's/^static int counter/static _Atomic int counter/' first.c >p.c
	build gcc
	always 0 "atomic"
	sed 's/^\tcounter++;/\t__atomic_fetch_add(\&counter, 1, __ATOMIC_SEQ_CST);/' first.c >p.c
	build gcc
	always 0 "fetch_add"
	sed 's/^static void \*work/static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;\n&/
		s/^\tcounter++;/\tpthread_mutex_lock(\&m);\n&\n\tpthread_mutex_unlock(\&m);/' first.c >p.c
	build gcc
	always 0 "lock"
	run ./forced_test
	expect_out "no longer possible at step 2 of 3"
	expect_out "T2 waits for a mutex"
	expect_out "held by T1"
	echo "changed too much"
	sed 's/^\tcounter++;/\t(void)counter;/; s/counter == 2/counter == 0/' first.c >p.c
	build gcc
	always 2 "another line"
	run ./forced_test
	expect_err "onceproof check p.c"
	printf '#include <pthread.h>\nint main(void)\n{\n\treturn 0;\n}\n' >p.c
	build gcc
	always 2 "another program"
	expect_err "the code has changed too much"
	echo "the sources are elsewhere"
	cp first.c p.c
	build gcc
	mkdir elsewhere && mv p.c elsewhere/
	run ./forced_test
	expect_status 2
	expect_err "ONCEPROOF_SOURCES"
	run env ONCEPROOF_SOURCES=elsewhere ./forced_test
	expect_status 1
	mv elsewhere/p.c .
	echo "with CMake, as the head says"
	cp forced.c this_file.c
	{
		printf 'cmake_minimum_required(VERSION 3.13)\nproject(own C)\nenable_testing()\n'
		sed -n '/With CMake:/,/^ \*$/p' forced.c | sed -n 's/^ \*   //p'
	} >CMakeLists.txt
	for compiler in $compilers; do
		run cmake -S . -B "with $compiler" -DCMAKE_C_COMPILER="$compiler"
		expect_status 0
		run cmake --build "with $compiler"
		expect_status 0
		run "with $compiler/forced_test"
		expect_status 1
	done
	echo "for people"
	run "$ONCEPROOF" witness "$witness"
	expect_status 0
	expect_out "counter++;"
	expect_out "onceproof replay"
	echo "mended before"
	sed -i 's/^static int counter/static _Atomic int counter/' p.c
	run "$ONCEPROOF" witness --c "$witness"
	expect_status 3
	expect_err "does not occur any more"
	cp first.c p.c
}

refusals() {
	run "$ONCEPROOF" witness
	expect_status 2
	run "$ONCEPROOF" witness no.json
	expect_status 2
	expect_err "no.json"
	run "$ONCEPROOF" witness --out x.c "$witness"
	expect_status 2
	run "$ONCEPROOF" witness --c --out "$scratch/no folder/x.c" "$witness"
	expect_status 2
	expect "nothing is left" test ! -e "$scratch/no folder"
	"$ONCEPROOF" explore counter/load_store/two_increments --witness=lessons -q >/dev/null 2>&1
	run "$ONCEPROOF" witness --c lessons/*.json
	expect_status 2
	expect_err "onceproof's own"
	sed 's/"kind": "forbidden-outcome"/"kind": "misuse"/' "$witness" >misuse.json
	run "$ONCEPROOF" witness --c misuse.json
	expect_status 2
	expect_err "replay"
}

# Several files, flags and arguments; C++; a scenario of a scenario file.
kinds() {
	printf '#include "two.h"\nstatic void *run(void *arg)\n{\n\tbump();\n\treturn arg;\n}\nint main(int argc, char **argv)\n{\n\tpthread_t a, b;\n\tif (argc != 2 || argv[1][0] != 120)\n\t\treturn 2;\n\tpthread_create(&a, 0, run, 0);\n\tpthread_create(&b, 0, run, 0);\n\tpthread_join(a, 0);\n\tpthread_join(b, 0);\n\treturn value() == 2 ? 0 : 1;\n}\n' >p.c
	printf '#include <pthread.h>\nvoid bump(void);\nint value(void);\n' >two.h
	printf '#include <stdatomic.h>\n#include "two.h"\nstatic atomic_int v;\nvoid bump(void)\n{\n\tint now = v;\n\tv = now + STEP;\n}\nint value(void)\n{\n\treturn v;\n}\n' >two.c
	rm -rf onceproof-witness turnstile-*.o
	"$ONCEPROOF" check --engine=explore --seed=1 --no-cache --arg x p.c two.c -- -DSTEP=1 >check.txt 2>&1
	run "$ONCEPROOF" witness --c onceproof-witness/p.c-forbidden-outcome-*.json --out forced.c
	expect_status 0
	for compiler in $compilers; do
		build $compiler
		always 1 "two files, $compiler"
	done
	printf '#include <atomic>\n#include <cassert>\n#include <thread>\nstatic std::atomic<int> n{0};\nstatic void add()\n{\n\tint now = n.load();\n\tn.store(now + 1);\n}\nint main()\n{\n\tstd::thread a(add), b(add);\n\ta.join();\n\tb.join();\n\tassert(n == 2);\n}\n' >p.cc
	rm -rf onceproof-witness turnstile-*.o
	"$ONCEPROOF" check --engine=explore --seed=1 --no-cache p.cc >check.txt 2>&1
	run "$ONCEPROOF" witness --c onceproof-witness/p.cc-assertion-*.json --out forced.c
	expect_status 0
	build gcc
	always 1 "C++, bug"
	sed -i 's/\tn.store(now + 1);/\tn += now - now + 1;/' p.cc
	build gcc
	always 0 "C++, fix"
	cp "$ONCEPROOF_SOURCE/examples/scenario/counter.c" p.c
	made two_increments-assertion
	for compiler in $compilers; do
		cp "$ONCEPROOF_SOURCE/examples/scenario/counter.c" p.c
		build $compiler
		always 1 "scenario, $compiler, bug"
		cp "$ONCEPROOF_SOURCE/examples/scenario/counter_fixed.c" p.c
		build $compiler
		always 0 "scenario, $compiler, fix"
	done
}

case $1 in
pairs1)
	pair 03_race_double_checked data-race
	pair 09_atomicity_step_numbers forbidden-outcome
	;;
pairs2)
	pair 11_atomicity_empty_then_pop crash
	pair 17_deadlock_transfers deadlock
	;;
pairs3)
	pair 22_cond_signal_before_wait lost-wakeup
	pair 44_teardown_reference_count double-free
	;;
pairs4)
	pair 51_publication_freed_too_early use-after-free
	pair 53_weak_store_buffering assertion
	;;
changes)
	changes
	refusals
	;;
kinds) kinds ;;
esac
finish
