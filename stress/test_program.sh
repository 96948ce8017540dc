#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Whole programs under the explorer, through the front door: each program is written here. ONCEPROOF names the program.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; cat "$work/err" >&2 2>/dev/null || true; exit 1; }
[ -e "$ONCEPROOF_BUILD/libexec/onceproof/explore_program.o" ] || { echo "this build has no explored code"; exit 77; }
cd "$work"
mkdir tmp
export TMPDIR=$work/tmp

# explore STATUS FILE.c WORDS...: explores, with result.json and err; the exit status must be STATUS, and nothing may be left behind.
explore() {
	local expected=$1 file=$2 status=0
	shift 2
	rm -f result.json
	"$ONCEPROOF" explore "$file" --strategy=random --budget=2000 --seed=1 --json=result.json --witness=witness -q "$@" >out 2>err || status=$?
	[ "$status" = "$expected" ] || fail "$file: exit status $status, not $expected"
	[ -z "$(ls -A tmp)" ] || fail "$file: left behind: $(ls tmp)"
	! pgrep -f "$work/tmp/onceproof-private" >/dev/null || fail "$file: a process is left behind"
}
# finding KIND TEXT: the result is a bug, its only finding of that kind with that text in its message.
finding() {
	jq -e --arg kind "$1" --arg text "$2" '.results[0] | .verdict == "bug" and (.findings | length == 1) and
		(.findings[0] | .kind == $kind and (.message | contains($text)))' result.json >/dev/null ||
		fail "not one $1 with '$2': $(jq -c '.results[0] | [.verdict, .evidence, .findings[]? | .kind?, .message?]' result.json)"
}
# at LINE: the first place of the finding.
at() {
	jq -e --argjson line "$1" '.results[0].findings[0].locations[0].line == $line' result.json >/dev/null ||
		fail "not at line $1: $(jq -c '.results[0].findings[0].locations' result.json)"
}
# doubt TEXT: inconclusive, and the reason contains TEXT.
doubt() {
	jq -e --arg text "$1" '.results[0] | .verdict == "inconclusive" and (.evidence | contains($text))' result.json >/dev/null ||
		fail "not inconclusive with '$1': $(jq -c '.results[0] | [.verdict, .evidence]' result.json)"
}
# complains TEXT: the first line on stderr.
complains() { head -n 1 err | grep -qF "onceproof: $1" || fail "no complaint '$1'"; }

cat >account.c <<'END'
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
static int balance;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *deposit(void *arg)
{
	pthread_mutex_lock(&lock);
	int before = balance;
#ifndef FIXED
	pthread_mutex_unlock(&lock);
	pthread_mutex_lock(&lock);
#endif
	balance = before + 10;
	pthread_mutex_unlock(&lock);
	return arg;
}
int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, deposit, NULL);
	pthread_create(&b, NULL, deposit, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	printf("balance %d\n", balance);
	assert(balance == 20);
	return 0;
}
END
# A lost update, also with other flags; the witness repeats it; the fixed program is clean, and by exhaustion proved.
for flags in "" "-O0" "-O3 -Wall -pthread" "-std=c11 -flto -fPIC" "-fsanitize=thread -lm"; do
	explore 1 account.c -- $flags
	finding assertion "assertion 'balance == 20' fails"
	at 26
	jq -e '.results[0].output == "balance 10\n"' result.json >/dev/null || fail "the output of the failing execution: $(jq .results[0].output result.json)"
done
"$ONCEPROOF" replay witness/account.c-assertion-*.json >out 2>err || fail "the witness does not repeat it"
grep -q '^Reproduced' out || fail "not reproduced"
cp result.json first.json
explore 1 account.c -- -fsanitize=thread -lm
diff <(jq 'del(.. | .seconds?, .peak_bytes?, .host?, .started?)' first.json) <(jq 'del(.. | .seconds?, .peak_bytes?, .host?, .started?)' result.json) ||
	fail "one seed, two results"
explore 0 account.c -- -DFIXED
jq -e '.results[0] | .verdict == "not-found" and .distinct == 2 and .executions == 2000' result.json >/dev/null || fail "fixed: $(jq -c .results[0] result.json)"
explore 0 account.c --strategy=dpor -- -DFIXED
jq -e '.results[0] | .verdict == "proved" and .executions == 2' result.json >/dev/null || fail "two orders, not: $(jq -c .results[0] result.json)"

# Memory is put back: static data of all kinds, large and small, written by the program and by the library.
cat >state.c <<'END'
#include <assert.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int runs;
static char text[100];
static long big[1 << 20];
static _Thread_local int mine = 3;
static int given __attribute__((section("place_of_its_own"))) = 5;
static int early;
static char *end;
static void late(void) { puts("late"); }
__attribute__((constructor)) static void begin(void) { early = 7; atexit(late); }
int main(int argc, char **argv)
{
	assert(runs++ == 0 && mine++ == 3 && given++ == 5 && early++ == 7);
	assert(text[0] == 0 && sscanf("word", "%99s", text) == 1);
	for (int i = 0; i < 1 << 20; i += 10000)
		assert(big[i]++ == 0);
	assert(atoi("12x") == 12 && strtol("0x1f,", &end, 0) == 31 && *end == ',');
	assert(!getenv("SET") && setenv("SET", "1", 1) == 0 && getenv("SET"));
	assert(!strcmp(setlocale(LC_ALL, NULL), "C") && setlocale(LC_ALL, "C.UTF-8"));
	int options = 0;
	for (int c; (c = getopt(argc, argv, "ab:")) != -1;)
		options += c == 'a' ? 1 : c == 'b' && !strcmp(optarg, "x") ? 10 : 100;
	assert(options == 11 && optind == 4 && argc == 5 && !strcmp(argv[4], "rest"));
	argv[4][0] = 'R';
	char line[10] = "a b";
	assert(!strcmp(strtok(line, " "), "a"));
	int first = rand();
	srand(1);
	assert(first == rand() && first != rand());
	return 0;
}
END
explore 0 state.c --arg=-a --arg=-b --arg=x --arg=rest
jq -e '.results[0].output == "late\n"' result.json >/dev/null || fail "a constructor's atexit: $(jq .results[0].output result.json)"

# Two files that name things as the explorer does.
printf '%s\n' '#include <pthread.h>' 'extern int graph_new; void *explore(void *);' 'int graph_new; int complain(void) { return 1; } int runtime;' \
	'int main(void) { pthread_t t; pthread_create(&t, 0, explore, 0); pthread_join(t, 0); return graph_new - complain(); }' >one.c
printf '%s\n' 'extern int graph_new; void *explore(void *arg) { graph_new++; return arg; }' >other.c
explore 0 one.c other.c

cat >deadlock.c <<'END'
#include <pthread.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void *one(void *x) { pthread_mutex_lock(&a); pthread_mutex_lock(&b); pthread_mutex_unlock(&b); pthread_mutex_unlock(&a); return x; }
static void *two(void *x) { pthread_mutex_lock(&b); pthread_mutex_lock(&a); pthread_mutex_unlock(&a); pthread_mutex_unlock(&b); return x; }
int main(void)
{
	pthread_t s, t;
	pthread_create(&s, 0, one, 0);
	pthread_create(&t, 0, two, 0);
	pthread_join(s, 0);
	pthread_join(t, 0);
	return 0;
}
END
explore 1 deadlock.c
finding deadlock "nobody can move"

# main returns while a thread runs: what the thread does until then counts, that it never ends does not.
cat >early.c <<'END'
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
static atomic_int flag;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *work(void *x)
{
	atomic_store(&flag, 1);
#ifdef FAILS
	assert(atomic_load(&flag) == 0);
#endif
	pthread_mutex_lock(&lock);
	return x;
}
int main(void)
{
	pthread_t t;
	pthread_mutex_lock(&lock);
	pthread_create(&t, 0, work, 0);
	return 0;
}
END
explore 0 early.c
explore 0 early.c --strategy=dpor
explore 1 early.c -- -DFAILS
finding assertion "flag"
explore 1 early.c --strategy=dpor -- -DFAILS
finding assertion "flag"

cat >leave.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static void bye(void) { puts("bye"); }
static void *leave(void *x) { exit(7); return x; }
int main(void)
{
	pthread_t t;
	atexit(bye);
	pthread_create(&t, 0, leave, 0);
	for (;;)
		pthread_join(t, 0);
}
__attribute__((destructor)) static void gone(void) { puts("gone"); }
END
explore 0 leave.c
jq -e '.results[0].output == "bye\ngone\n"' result.json >/dev/null || fail "exit in a thread: $(jq .results[0].output result.json)"

# Faults, each at its line.
crash() {
	printf '#include <stdlib.h>\n#include <stdio.h>\n#include <string.h>\nvolatile int zero; int *volatile null; char *volatile wild = (char *)0x1234567890;\n%s\n' "$1" >crash.c
	explore 1 crash.c
	finding crash "$2"
	at 5
}
crash 'int main(void) { return *null; }' 'reads a null pointer'
crash 'int main(void) { *null = 1; return 0; }' 'writes to a null pointer'
crash 'int main(void) { return *wild; }' 'reads invalid address'
crash 'int main(void) { return 7 / zero; }' 'divides by zero'
crash 'int main(void) { __builtin_trap(); }' 'illegal instruction'
crash 'int main(void) { abort(); }' 'abort()'
crash 'int main(void) { printf("%s\n", wild); return 0; }' 'invalid address'
crash 'int main(void) { return (int)strlen(wild); }' 'invalid address'
crash 'static int deeper(int n) { volatile char room[1000]; room[0] = (char)n; return deeper(n + 1) + room[0]; } int main(void) { return deeper(0); }' 'overflows its stack'
crash 'int main(void) { char room[64 << 20]; memset(room, zero, sizeof room); return room[5]; }' 'overflows its stack'
printf '%s\n' '#include <string.h>' 'int main(void) { char room[6 << 20]; memset(room, 1, sizeof room); return room[5] - 1; }' >room.c
explore 0 room.c

# Programs that are too much, or leave: a reason, never a verdict.
program() { printf '#include <pthread.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n%s\n' "$1" >program.c; }
program 'int main(void) { for (;;) ; }'
explore 3 program.c
doubt 'computes without an end'
program 'int main(void) { for (;;) puts("again and again and again and again"); }'
explore 3 program.c
doubt 'prints more than'
program 'int main(void) { for (int i = 0; i < 64; i++) { char *p = malloc(1 << 30); if (!p) return 9; memset(p, 1, 1 << 30); } return 0; }'
explore 3 program.c
doubt 'more memory than the explorer gives'
program 'static void *nothing(void *x) { return x; } int main(void) { pthread_t t[1000]; for (int i = 0; i < 1000; i++) if (pthread_create(&t[i], 0, nothing, 0)) return 5; return 0; }'
explore 3 program.c --budget=50
doubt 'more threads than the explorer has'
program 'int main(void) { int n; if (scanf("%d", &n) != 1) return 4; if (n != 42) abort(); return 0; }'
explore 3 program.c
doubt 'reads its standard input'
echo 42 >input
explore 0 program.c --input=input
echo 43 >input
explore 1 program.c --input=input
explore 2 program.c --input=nowhere
complains 'program.c: cannot be explored: the standard input: nowhere: No such file'
program 'int main(void) { if (fork() == 0) puts("child"); return 0; }'
explore 3 program.c
doubt 'outside of its control: fork'
program 'int main(void) { return system("touch escaped") == 0; }'
explore 3 program.c
doubt 'outside of its control: system'
[ ! -e escaped ] || fail "a command was run"
program '#include <sys/socket.h>
int main(void) { return socket(AF_INET, SOCK_STREAM, 0) < 0; }'
explore 3 program.c
doubt 'outside of its control: socket'
program '#include <signal.h>
#include <sys/signalfd.h>
int main(void) { sigset_t none; char byte[128]; sigemptyset(&none); return read(signalfd(-1, &none, 0), byte, sizeof byte) < 0; }'
explore 3 program.c
doubt 'waits in a system call'
program '#include <sys/mman.h>
int main(int argc, char **argv) { if (argc > 1) mlockall(0); return argv[0] == NULL; }'
explore 0 program.c
explore 3 program.c --arg=lock
doubt 'outside of its control: mlockall'
program 'int x; int main(void) { __asm__ volatile("" ::: "memory"); __asm__ volatile("pause"); if (x) __asm__ volatile("incl %0" : "+m"(x)); return x; }'
explore 0 program.c
program 'int x; int main(void) { __asm__ volatile("incl %0" : "+m"(x)); return x - 1; }'
explore 3 program.c
doubt 'inline assembly at program.c:6 (incl'
program '#include <argp.h>
int main(void) { char *words[] = {"x", "--nothing", NULL}; return argp_parse(NULL, 2, words, 0, NULL, NULL); }'
explore 3 program.c
doubt 'outside of its control: argp_parse'

# What cannot be built: one line, and what the compiler says.
program 'int function(void) { return 1; }'
explore 2 program.c
complains 'program.c: there is no main'
program 'int main(void) { return undeclared; }'
explore 2 program.c
complains 'program.c: does not compile:'
grep -q "program.c:6:.*undeclared" err || fail "the compiler's error is not shown"
program 'int nowhere(void); int main(void) { return nowhere(); }'
explore 2 program.c
complains 'program.c: does not link:'
grep -q "undefined reference to .nowhere" err || fail "the linker's error is not shown"
program 'int main(void) { return 0; }'
explore 2 missing.c
complains 'missing.c: No such file'
explore 2 program.c -- -fopenmp
complains '-fopenmp: unsupported flag:'
explore 2 program.c -- -fsanitize=address
complains '-fsanitize=address: unsupported flag:'
explore 2 program.c -- -fno-sanitize=thread
complains '-fno-sanitize=thread: unsupported flag: without instrumentation'
explore 2 program.c -- -fno-such-flag
complains 'program.c: does not compile:'
explore 2 program.c -- -I
complains '-I: unsupported flag: its value is missing'
cp program.c program.cc
explore 0 program.cc
CC=no-such-compiler explore 2 program.c
complains 'no-such-compiler: cannot be run'
TMPDIR=/proc explore 2 program.c
complains '/proc: a temporary folder cannot be made'

# Interrupted, or killed: no process is left, and what lies about is removed, by the next run at the latest.
"$ONCEPROOF" explore account.c --budget=1000000000000 --strategy=random -q --json=result.json -- -DFIXED >out 2>err &
pid=$!
until pgrep -f "^$work/tmp/onceproof-private[^ ]*/program " >/dev/null; do kill -0 $pid || fail "it does not run"; sleep 0.05; done
kill -INT $pid
status=0; wait $pid || status=$?
[ "$status" = 3 ] || fail "interrupted: exit status $status"
doubt 'interrupted'
jq -e '.results[0].executions > 0' result.json >/dev/null || fail "interrupted: what was seen is lost"
[ -z "$(ls -A tmp)" ] || fail "interrupted: left behind: $(ls tmp)"
"$ONCEPROOF" explore account.c --budget=1000000000000 --strategy=random -q -- -DFIXED >out 2>err &
pid=$!
until pgrep -f "^$work/tmp/onceproof-private[^ ]*/program " >/dev/null; do kill -0 $pid || fail "it does not run"; sleep 0.05; done
kill -KILL $pid
wait $pid 2>/dev/null || true
for _ in $(seq 100); do pgrep -f "$work/tmp/onceproof-private" >/dev/null || break; sleep 0.05; done
! pgrep -f "$work/tmp/onceproof-private" >/dev/null || fail "killed: a process is left behind"
touch -d '5 minutes ago' tmp/*/lock
explore 0 program.c
