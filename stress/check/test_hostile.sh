#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Programs that harm: what they do stays inside, the check says what it knows, and nothing of them is left. With the argument `full` also those
# that take gigabytes.
. "$ONCEPROOF_SOURCE/cmake/check.sh"
cd "$scratch" || exit 1
[[ -e $ONCEPROOF_BUILD/libexec/onceproof/explore_program.o ]] || { echo "this build has no explored code"; exit 77; }
unset GITHUB_ACTIONS CC CXX
export XDG_CACHE_HOME=$scratch/cache TMPDIR=$scratch/tmp
mkdir tmp user
cd user || exit 1
echo precious >precious

# Harm to other processes is done only behind this: in a process namespace of its own, where the first process is not one of ours.
cat >guard.h <<'C'
#include <stdlib.h>
#include <unistd.h>
#define ENCLOSED (getppid() == 1 && getpid() < 10)
#define GUARD if (!ENCLOSED) return 0
C
printf '#include "guard.h"\nint main(void) { if (!ENCLOSED) abort(); return 0; }\n' >enclosed.c

# check STATUS WORDS FILE.c OPTIONS...: the verdict; and afterwards nobody is left, and all files are as they were.
check() {
	local expected=$1 words=$2 file=$3 before
	shift 3
	before=$(find . -type f -exec md5sum {} + | sort)
	run "$ONCEPROOF" check "$file" --seed=1 --no-cache --no-fix --witness="$scratch/witness" --json="$scratch/r.json" "$@"
	expect_status "$expected"
	expect_out "$words"
	expect "files as they were" test "$before" = "$(find . -type f -exec md5sum {} + | sort)"
	expect "no temporary file: $(ls -A "$TMPDIR")" test -z "$(ls -A "$TMPDIR")"
	expect "no process: $(pgrep -af "$TMPDIR/onceproof-private")" test -z "$(pgrep -f "$TMPDIR/onceproof-private")"
}

check 0 'nothing in 20 runs' enclosed.c --engine=native
if [[ $status -eq 0 ]]; then
	enclosed=yes
	lacking=
else
	# Then it is a matter of this machine, and said.
	failures=0
	enclosed=
	lacking=$(grep 'contained fully' "$scratch/out")
	expect "what is missing is said" grep -q 'does not let the program be contained fully' "$scratch/out"
	echo "this machine lends no namespaces: the worst is left out"
fi

# Under the explorer nothing of it happens, and what follows is nobody's fault.
cat >forks.c <<'C'
#include <assert.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
	int status;
	pid_t child = fork();
	assert(child >= 0);
	if (child == 0)
		_exit(0);
	assert(waitpid(child, &status, 0) == child && status == 0);
	return 0;
}
C
check 3 'outside of its control: fork' forks.c --engine=explore
check 0 'no bug found' forks.c --engine=tsan,native
cat >kills.c <<'C'
#include "guard.h"
#include <signal.h>
int main(void)
{
	kill(getppid(), SIGKILL);
	return 0;
}
C
check 3 'outside of its control: kill' kills.c --engine=explore

# Files: the user's own, those of onceproof, those of everybody.
cat >removes.c <<'C'
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ftw.h>
static int one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
	(void)info, (void)kind, (void)at;
	/* Only what this test made: the folder that it runs in, and what is beside it. */
	return strstr(path, "onceproof test.") ? (remove(path), 0) : 0;
}
int main(void)
{
	char folder[4096];
	if (!getcwd(folder, sizeof folder) || !strrchr(folder, '/') || !strstr(folder, "onceproof test."))
		return 1;
	*strrchr(folder, '/') = 0;
	nftw(folder, one, 16, FTW_DEPTH | FTW_PHYS);
	return access("precious", F_OK) == 0;
}
C
# Where there are no namespaces, Landlock refuses: then the program fails in the same way every time. Without it, too, nothing does.
[[ $lacking == *'files last'* ]] || check 0 'native: no bug found' removes.c --engine=native
[[ -z $enclosed ]] || expect "it saw its files go" test "$(jq '[.results[].notes[]? | select(contains("never ended with exit status 0"))] | length' "$scratch/r.json")" = 0
check 3 'nftw' removes.c --engine=explore

# Output, files and time without end.
cat >prints.c <<'C'
#include <unistd.h>
static char line[1 << 16];
int main(void)
{
	for (long i = 0; i < 10L << 14; i++)
		if (write(1 + (i & 1), line, sizeof line) < 0)
			return 1;
	return 0;
}
C
check 3 'a limit ended it: output' prints.c --engine=native
printf 'int main(void) { for (volatile int i = 0;; i++) ; }\n' >loops.c
check 3 'did not end within its time' loops.c --engine=native --budget=1
cat >crowds.c <<'C'
#include <pthread.h>
#include <unistd.h>
static void *wait_here(void *x) { for (;;) pause(); return x; }
int main(void)
{
	pthread_t thread;
	for (int i = 0; i < 2000; i++)
		if (pthread_create(&thread, 0, wait_here, 0) != 0)
			break;
	wait_here(0);
}
C
check 3 'a limit ended it: processes' crowds.c --engine=native

# What it leaves behind.
cat >leaves.c <<'C'
#include "guard.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
int main(void)
{
	FILE *made = fopen("made", "w");
	if (made)
		fclose(made);
	if (fork() == 0) {
		setsid();
		for (int i = 1; i < 32; i++)
			signal(i, SIG_IGN);
		if (fork() == 0)
			for (;;)
				pause();
		_exit(0);
	}
	close_range(0, ~0u, 0);
	return 0;
}
C
check 0 'no bug found' leaves.c --engine=tsan,native -- -D_GNU_SOURCE

if [[ $enclosed ]]; then
	cat >slays.c <<'C'
#include "guard.h"
#include <signal.h>
#include <sys/ptrace.h>
int main(void)
{
	GUARD;
	if (ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0)
		abort();
	kill(getppid(), SIGKILL);
	kill(getppid(), SIGSTOP);
	kill(-1, SIGKILL);
	kill(0, SIGKILL);
	return 0;
}
C
	check 3 'killed by signal 9' slays.c --engine=native
	printf '#include "guard.h"\nint main(void) { GUARD; for (;;) fork(); }\n' >bomb.c
	check 3 'a limit ended it: processes' bomb.c --engine=native
	check 3 'outside of its control: fork' bomb.c --engine=explore
	cat >fills.c <<'C'
#include "guard.h"
#include <signal.h>
#include <stdio.h>
static char block[1 << 20];
int main(void)
{
	GUARD;
	char name[64];
	for (int i = 0;; i++) {
		snprintf(name, sizeof name, "/tmp/filled-by-test-%d", i);
		FILE *file = fopen(name, "w");
		for (int j = 0; file && j < 512; j++)
			if (fwrite(block, sizeof block, 1, file) != 1 || fflush(file) != 0)
				return 0;
	}
}
C
	[[ ${1:-} != full ]] || check 0 'no bug found' fills.c --engine=native
fi
if [[ ${1:-} == full ]]; then
	printf '#include <stdlib.h>\n#include <string.h>\nint main(void) { for (;;) { char *p = malloc(1 << 20); if (p) memset(p, 1, 1 << 20); } }\n' >eats.c
	# Gigabytes take their time on some machines: the memory or the time ends it.
	check 3 'INCONCLUSIVE' eats.c --engine=native --budget=60
	check 3 'INCONCLUSIVE' eats.c --engine=explore
	check 3 'INCONCLUSIVE' prints.c
	check 3 'INCONCLUSIVE' loops.c
fi

# Killed itself, it leaves nobody; its folder goes with the next one.
"$ONCEPROOF" check loops.c --engine=native --no-cache --budget=60 >/dev/null 2>&1 &
pid=$!
until pgrep -f "^$TMPDIR/onceproof-private[^ ]*/program" >/dev/null || ! kill -0 $pid; do sleep 0.05; done
kill -KILL $pid
{ wait $pid; } 2>/dev/null
for _ in $(seq 200); do
	pgrep -f "$TMPDIR/onceproof-private" >/dev/null || break
	sleep 0.05
done
ran='onceproof check, killed'
expect "nobody outlives it" test -z "$(pgrep -f "$TMPDIR/onceproof-private")"
touch -d '5 minutes ago' "$TMPDIR"/*/lock
check 0 'nothing in 20 runs' forks.c --engine=native
finish
