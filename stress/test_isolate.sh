#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Programs with state that cannot be put back: each execution is a process of its own. ONCEPROOF names the program.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; cat "$work/err" >&2 2>/dev/null || true; exit 1; }
[ -e "$ONCEPROOF_BUILD/libexec/onceproof/explore_program.o" ] || { echo "this build has no explored code"; exit 77; }
cd "$work"
mkdir tmp
export TMPDIR=$work/tmp

# explore STATUS FILE.c WORDS...: as in test_program.sh; and where the user is, nothing has changed.
explore() {
	local expected=$1 file=$2 status=0 before
	shift 2
	rm -rf result.json out err witness
	before=$(find . -path ./tmp -prune -o -type f ! -name '*.json' -exec md5sum {} + | sort)
	"$ONCEPROOF" explore "$file" --budget=300 --seed=1 --json=result.json --witness=witness -v "$@" >out 2>err || status=$?
	[ "$status" = "$expected" ] || fail "$file $*: exit status $status, not $expected: $(jq -c '.results[0] | [.verdict, .evidence, .findings[]?.message?]' result.json)"
	[ -z "$(ls -A tmp)" ] || fail "$file: left behind: $(ls tmp)"
	! pgrep -f "$work/tmp/onceproof-private" >/dev/null || fail "$file: a process is left behind"
	[ "$before" = "$(find . -path ./tmp -prune -o -type f ! -name '*.json' ! -path './witness/*' ! -name out ! -name err -exec md5sum {} + | sort)" ] || fail "$file: the outside world has changed"
}
result() { jq -e "${@:2}" ".results[0] | $1" result.json >/dev/null || fail "not $1: $(jq -c '.results[0] | [.verdict, .evidence, .executions, .output, [.findings[]?.message?]]' result.json)"; }
finding() { result '.verdict == "bug" and (.findings | length == 1) and (.findings[0] | .kind == $kind and (.message | contains($text)))' --arg kind "$1" --arg text "$2"; }
own() { result '.isolated == $why' --arg why "$1"; grep -qF "runs in a process of its own, because of $1" err || fail "-v does not say why: $1"; }
doubt() { result '.verdict == "inconclusive" and (.evidence | contains($text))' --arg text "$1"; }
# both FILE.c KIND TEXT WHY FLAGS...: a bug by sampling and by exhaustion, none with -DFIXED: then it is proved. The witness repeats it.
both() {
	local file=$1 kind=$2 text=$3 why=$4
	shift 4
	explore 1 "$file" --strategy=random -- "$@"
	finding "$kind" "$text"
	own "$why"
	"$ONCEPROOF" replay witness/*.json >replayed 2>&1 || fail "$file: the witness does not repeat it: $(cat replayed)"
	explore 1 "$file" --strategy=dpor -- "$@"
	finding "$kind" "$text"
	explore 0 "$file" --strategy=random -- -DFIXED "$@"
	result '.verdict == "not-found" and .executions == 300 and (.evidence | contains("each execution in a process of its own"))'
	explore 0 "$file" --strategy=dpor -- -DFIXED "$@"
	result '.verdict == "proved" and (.evidence | contains("each execution in a process of its own"))'
}

# Two threads, each of which reads, lets go and writes.
threads='#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
int get(void);
void set(int);
static void begin(void);
#ifdef FIXED
#define BETWEEN
#else
#define BETWEEN pthread_mutex_unlock(&lock); pthread_mutex_lock(&lock);
#endif
static void *add(void *x) { pthread_mutex_lock(&lock); int n = get(); BETWEEN set(n + 1); pthread_mutex_unlock(&lock); return x; }
int main(void)
{
	pthread_t a, b;
	begin();
	pthread_create(&a, 0, add, 0);
	pthread_create(&b, 0, add, 0);
	pthread_join(a, 0);
	pthread_join(b, 0);
	assert(get() == 2);
	return 0;
}'

# A file that each execution makes anew; one that is there and is changed; one elsewhere.
cat >file.c <<END
$threads
static void begin(void) { assert(access(NAME, F_OK) == EXISTS); }
int get(void) { FILE *f = fopen(NAME, "r"); int n = 0; if (f) { if (fscanf(f, "%d", &n) != 1) n = 99; fclose(f); } return n; }
void set(int n) { FILE *f = fopen(NAME, "w"); fprintf(f, "%d\n", n); fclose(f); }
END
both file.c assertion 'get() == 2' 'fopen (for writing)' '-DNAME="count"' -DEXISTS=-1
echo 0 >there
both file.c assertion 'get() == 2' 'fopen (for writing)' '-DNAME="there"' -DEXISTS=0
both file.c assertion 'get() == 2' 'fopen (for writing)' "-DNAME=\"/tmp/not-there-$$\"" -DEXISTS=-1
[ ! -e "/tmp/not-there-$$" ] || fail "a file was made in /tmp"
[ "$(cat there)" = 0 ] || fail "a file was changed"
printf '#include <stdio.h>\nint main(void) { FILE *f = fopen("/proc/self/comm", "w"); return f != NULL; }\n' >outside.c
explore 3 outside.c --strategy=random
doubt 'fopen (for writing) outside of its folder'

# Descriptors: a temporary file with its place; folders, names, where one is.
cat >descriptor.c <<END
$threads
static int fd;
static void begin(void) { char name[] = "/tmp/xXXXXXX"; fd = mkstemp(name); assert(fd >= 0 && unlink(name) == 0 && access(name, F_OK) != 0); }
int get(void) { int n = 0; return lseek(fd, 0, SEEK_SET) == 0 && read(fd, &n, sizeof n) == sizeof n ? n : 0; }
void set(int n) { if (lseek(fd, 0, SEEK_SET) || write(fd, &n, sizeof n) != sizeof n) abort(); }
END
both descriptor.c assertion 'get() == 2' mkstemp
# Nothing but the calls themselves is between the threads: their order is explored.
cat >order.c <<'END'
#include <assert.h>
#include <pthread.h>
#include <unistd.h>
static int ends[2];
static void *put(void *x) { return write(ends[1], x, 1) == 1 ? x : 0; }
int main(void)
{
	pthread_t t;
	char two[2];
	assert(pipe(ends) == 0);
	pthread_create(&t, 0, put, "a");
#ifdef FIXED
	pthread_join(t, 0);
	put("b");
#else
	put("b");
	pthread_join(t, 0);
#endif
	assert(read(ends[0], two, 2) == 2 && two[0] == 'a');
	return 0;
}
END
both order.c assertion "two[0]" pipe
cat >folders.c <<'END'
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void)
{
	struct stat info;
	assert(mkdir("own", 0700) == 0 && mkdir("own", 0700) < 0 && errno == EEXIST && mkdir("given", 0700) < 0 && errno == EEXIST);
	assert(chdir("own") == 0 && creat("../given/made", 0600) >= 0 && stat("../given/made", &info) == 0 && stat("../given/old", &info) == 0);
	assert(access("made", F_OK) < 0 && rename("../given/made", "made") == 0 && access("made", F_OK) == 0);
	assert(open("made", O_CREAT | O_EXCL | O_WRONLY, 0600) < 0 && errno == EEXIST && chdir("..") == 0 && remove("own/made") == 0 && rmdir("own") == 0);
	return 0;
}
END
mkdir given
echo old >given/old
explore 0 folders.c --strategy=dpor
result '.verdict == "proved"'
printf '#include <stdio.h>\nint main(void) { return remove("there") == 0; }\n' >remove.c
explore 3 remove.c --strategy=dpor
doubt 'remove outside of its folder'

# State of the process and of the C library.
cat >umask.c <<END
$threads
#include <sys/stat.h>
static void begin(void) { umask(0); }
int get(void) { int old = (int)umask(0); umask((mode_t)old); return old; }
void set(int n) { umask((mode_t)n); }
END
both umask.c assertion 'get() == 2' umask
cat >locale.c <<END
$threads
#include <locale.h>
#include <wchar.h>
static int count;
static void begin(void) { locale_t l = newlocale(LC_ALL_MASK, "C.UTF-8", 0); assert(l && uselocale(l) == LC_GLOBAL_LOCALE && btowc('a') == L'a'); }
int get(void) { return count; }
void set(int n) { count = n; }
END
both locale.c assertion 'get() == 2' newlocale

# Mapped memory: races in it are found, what is unmapped is gone, what only it points to is no leak.
cat >mapped.c <<END
$threads
#include <sys/mman.h>
static int **cell;
static void begin(void)
{
	cell = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert(cell != MAP_FAILED && !*cell);
	*cell = calloc(1, sizeof **cell);
}
int get(void) { return **cell; }
void set(int n) { **cell = n; }
END
both mapped.c assertion 'get() == 2' mmap
printf '#include <sys/mman.h>\nint main(void) { volatile int *p = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n*p = 1; munmap((void *)p, 4096);\nreturn *p; }\n' >unmapped.c
explore 1 unmapped.c --strategy=dpor
finding crash 'reads invalid address'
result '.findings[0].locations[0].line == 4'

# An object that is not instrumented: what it counts begins anew, its bug is found; but it could share what nobody sees.
printf 'static int count; int get(void) { return count; } void set(int n) { count = n; }\n' >hidden.c
cat >uses.c <<END
$threads
static void begin(void) { assert(get() == 0); }
END
"${CC:-cc}" -c hidden.c -o hidden.o
explore 1 uses.c --strategy=random -- "$work/hidden.o"
finding assertion 'get() == 2'
own get
explore 3 uses.c --strategy=dpor -- -DFIXED "$work/hidden.o"
doubt 'outside of its control: get, set'

# A child that ends in its own way.
printf '#include <signal.h>\n#include <unistd.h>\nvoid die(void) { signal(SIGSEGV, SIG_DFL); *(volatile int *)0 = 1; }\nvoid leave(void) { _exit(3); }\nvoid stay(void) { for (;;) ; }\n' >ends.c
"${CC:-cc}" -c ends.c -o ends.o
for how in die leave stay; do printf 'void %s(void);\nint main(void) {\n%s();\nreturn 0; }\n' $how $how >$how.c; done
explore 1 die.c --strategy=random -- "$work/ends.o"
finding crash 'is ended by the signal Segmentation fault'
explore 3 leave.c --strategy=random -- "$work/ends.o"
doubt 'an end of the process inside of a library'
explore 3 stay.c --strategy=random -- "$work/ends.o"
doubt 'stays inside of a library function'
printf '#include <argp.h>\n#include <pthread.h>\nstatic void *go(void *x) { char *words[] = {"x", "--nothing", 0}; argp_parse(0, 2, words, 0, 0, 0); return x; }\nint main(void) { pthread_t t; pthread_create(&t, 0, go, 0); pthread_join(t, 0); return 0; }\n' >argp.c
explore 3 argp.c --strategy=random
doubt 'outside of its control: argp_parse'
result '.executions == 300'

# Input and output are as ever; what was reached late begins anew with the same input.
printf '#include <stdio.h>\n#include <sys/stat.h>\nint main(void) { int n; if (scanf("%%d", &n) != 1) return 1; umask(0); int m; if (scanf("%%d", &m) != 1 || m != n + 1) return 2; printf("%%d %%d\\n", n, m); return 0; }\n' >input.c
echo 4 5 >numbers
explore 0 input.c --strategy=random --input=numbers
own umask
result '.output == "4 5\n"'
mkfifo pipe
cat numbers >pipe &
explore 0 input.c --strategy=random --input=pipe
result '.output == "4 5\n"'
rm pipe

# Asked for, it changes nothing that is told.
cat >account.c <<END
$threads
static int count;
static void begin(void) { puts("begins"); }
int get(void) { return count; }
void set(int n) { count = n; }
END
cat >racy.c <<'END'
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
static int value, *block;
static atomic_int ready;
static void *give(void *x) { value = 1; block = malloc(4); atomic_store_explicit(&ready, 1, memory_order_relaxed); return x; }
int main(void)
{
	pthread_t t;
	pthread_create(&t, 0, give, 0);
	int seen = atomic_load_explicit(&ready, memory_order_relaxed) ? value : 1;
	pthread_join(t, 0);
	if (!seen)
		abort();
	block = NULL;
	return 0;
}
END
plain() { jq 'del(.. | .seconds?, .peak_bytes?, .host?, .started?, .isolated?) | del(.results[].evidence)' result.json; }
for program in account.c racy.c 'account.c -- -DFIXED'; do
	for strategy in auto dpor bound random pct rff; do
		set -- $program
		file=$1
		shift
		"$ONCEPROOF" explore "$file" --strategy=$strategy --budget=200 --seed=1 --json=result.json --witness=witness -q "$@" >out 2>err || true
		plain >one
		"$ONCEPROOF" explore "$file" --isolate --strategy=$strategy --budget=200 --seed=1 --json=result.json --witness=witness -q "$@" >out 2>err || true
		result '.isolated == "the option --isolate"'
		plain >other
		cmp -s one other || fail "$program by $strategy: $(diff one other | head -40)"
	done
done

# Interrupted, or killed: nobody is left.
for signal in INT KILL; do
	"$ONCEPROOF" explore umask.c --budget=1000000000 --strategy=random -q --json=result.json -- -DFIXED >out 2>err &
	pid=$!
	until pgrep -f "^$work/tmp/onceproof-private[^ ]*/program --isolate" >/dev/null; do kill -0 $pid || fail "it does not run"; sleep 0.05; done
	sleep 0.3
	kill -$signal $pid
	status=0; wait $pid 2>/dev/null || status=$?
	for _ in $(seq 100); do pgrep -f "$work/tmp/onceproof-private" >/dev/null || break; sleep 0.05; done
	! pgrep -f "$work/tmp/onceproof-private" >/dev/null || fail "SIG$signal: a process is left behind"
	if [ $signal = INT ]; then
		[ $status = 3 ] || fail "interrupted: exit status $status"
		doubt interrupted
		[ -z "$(ls -A tmp)" ] || fail "interrupted: left behind: $(ls tmp)"
	fi
done
touch -d '5 minutes ago' tmp/*/lock
explore 0 folders.c --strategy=dpor
