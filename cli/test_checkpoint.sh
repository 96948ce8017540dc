#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# --checkpoint and --resume: a run that is killed again and again has the result of one that was left alone; files of other runs are
# refused, torn ones are used as far as they are whole, full disks cost nothing but the checkpoint.
# shellcheck source=cmake/check.sh
. "$ONCEPROOF_SOURCE/cmake/check.sh"
cd "$scratch" || exit 1
[[ -x ${ONCEPROOF%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }

# What is left of a result without what differs from run to run.
plain() {
	jq -S 'del(.host) | del(.results[] | .seconds, .peak_bytes)' "$1"
}

same_as() {
	diff <(plain "$1") <(plain "$2") >"$scratch/difference" || { cat "$scratch/difference" >>"$scratch/err" && return 1; }
}

# A seeded generator (Park and Miller's), so that each run of this test kills at the same sizes of the checkpoint.
state=20240607
random_below() {
	state=$((state * 48271 % 2147483647))
	drawn=$((state % $1))
}

# killed_often NAME TIMES ARGUMENTS...: runs with a checkpoint, and kills it when the checkpoint has grown by a random number of bytes.
killed_often() {
	local name=$1 times=$2 pid before kills=0 i
	shift 2
	rm -f "$name.checkpoint"
	for ((i = 0; i < times; i++)); do
		# At most half of what the checkpoint grows to in all, divided by the number of kills: enough is left for the next ones.
		random_below "$grows"
		before=$(stat -c %s "$name.checkpoint" 2>/dev/null || echo 0)
		"$ONCEPROOF" explore "$@" --checkpoint "$name.checkpoint" --resume --checkpoint-every 0.002 -q >/dev/null 2>"$scratch/killed" &
		pid=$!
		while kill -0 "$pid" 2>/dev/null && [[ $(stat -c %s "$name.checkpoint" 2>/dev/null || echo 0) -le $((before + drawn)) ]]; do
			:
		done
		kill -9 "$pid" 2>/dev/null && kills=$((kills + 1))
		wait "$pid" 2>/dev/null
	done
	run "$ONCEPROOF" explore "$@" --checkpoint "$name.checkpoint" --resume --json "$name.resumed.json"
	expect "$name: something was killed" test "$kills" -gt 0
	expect "$name: the result of a run without interruption" same_as "$name.json" "$name.resumed.json"
}

# How much a run writes, for the sizes at which it is killed; and its result, which a checkpoint alone does not change.
whole() {
	local name=$1
	shift
	run "$ONCEPROOF" explore "$@" --json "$name.json"
	wanted=$status
	rm -f "$name.checkpoint"
	run "$ONCEPROOF" explore "$@" --json "$name.kept.json" --checkpoint "$name.checkpoint" --checkpoint-every 0.002
	expect_status "$wanted"
	expect "$name: a checkpoint changes nothing" same_as "$name.json" "$name.kept.json"
	grows=$(($(stat -c %s "$name.checkpoint") / 16 + 1))
}

cat >many.c <<'END'
#include <pthread.h>
#include <stdatomic.h>
static atomic_int a, b, c;
static void *turn(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		atomic_fetch_add(&a, 1);
		if (atomic_load(&b) == i)
			atomic_fetch_add(&b, 1);
		atomic_store(&c, i);
	}
	return 0;
}
int main(void)
{
	pthread_t t[3];
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], 0, turn, 0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], 0);
	return 0;
}
END
# A race that makes further accesses steps, a rare assertion, output.
cat >bugs.c <<'END'
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
static int plain;
static atomic_int a, b;
static void *turn(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		int was = atomic_load_explicit(&a, memory_order_relaxed);
		atomic_store_explicit(&a, was + 1, memory_order_relaxed);
		atomic_fetch_add(&b, 1);
	}
	plain++;
	return 0;
}
int main(void)
{
	pthread_t t[3];
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], 0, turn, 0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], 0);
	printf("%d %d\n", atomic_load(&a), atomic_load(&b));
	assert(atomic_load(&a) > 2);
	return 0;
}
END
whole auto many.c --seed 3 --budget 30000
killed_often auto 4 many.c --seed 3 --budget 30000
whole bugs bugs.c --seed 4 --budget 30000
killed_often bugs 3 bugs.c --seed 4 --budget 30000
# Other numbers of processes, also in turn.
whole jobs many.c --strategy dpor --seed 3 --budget 30000
killed_often jobs 2 many.c --strategy dpor --seed 3 --budget 30000 --jobs 2
# Executions that are processes of their own.
whole isolated bugs.c --strategy random --seed 3 --budget 1000 --isolate
killed_often isolated 1 bugs.c --strategy random --seed 3 --budget 1000 --isolate
if [[ ${1:-} == full ]]; then
	for search in dpor rff bound pct pos surw random; do
		whole "$search" many.c --strategy "$search" --seed 3 --budget 60000
		killed_often "$search" 4 many.c --strategy "$search" --seed 3 --budget 60000
	done
	whole shard many.c --seed 3 --budget 60000 --shard 2/3
	killed_often shard 4 many.c --seed 3 --budget 60000 --shard 2/3
	whole sc bugs.c --seed 3 --budget 60000 --model sc
	killed_often sc 4 bugs.c --seed 3 --budget 60000 --model sc
fi
# Scenarios: what is finished is not done again.
whole scenarios 'counter/*/two_increments' --seed 5
killed_often scenarios 2 'counter/*/two_increments' --seed 5
run "$ONCEPROOF" explore 'counter/*/two_increments' --checkpoint scenarios.checkpoint --resume
expect_err "finished results"
expect "the seed is that of the checkpoint" grep -q -- '--seed=5' out

# A torn file is used up to where it is whole: cut anywhere, or with a byte changed.
cp auto.checkpoint kept
size=$(stat -c %s kept)
for i in 1 2; do
	random_below "$size"
	head -c "$drawn" kept >auto.checkpoint
	run "$ONCEPROOF" explore many.c --seed 3 --budget 30000 --checkpoint auto.checkpoint --resume --json torn.json
	expect "cut at $drawn of $size" same_as auto.json torn.json
	cp kept auto.checkpoint
	random_below "$size"
	printf 'X' | dd of=auto.checkpoint bs=1 seek="$((drawn > 2000 ? drawn : 2000))" conv=notrunc status=none
	run "$ONCEPROOF" explore many.c --seed 3 --budget 30000 --checkpoint auto.checkpoint --resume --json torn.json
	expect "changed at $drawn of $size" same_as auto.json torn.json
done

# Other code, other options: refused with words, and nothing changes.
before=$(sha256sum <kept)
cp kept auto.checkpoint
refused() {
	local what=$1
	shift
	run "$ONCEPROOF" explore --checkpoint auto.checkpoint --resume "$@"
	expect_status 2
	expect_err "$what is"
	expect_err "nothing of it was used"
	expect "the file is as it was" test "$before" = "$(sha256sum <auto.checkpoint)"
}
refused seed many.c --seed 4 --budget 30000
refused budget many.c --seed 3 --budget 30001
refused shard many.c --seed 3 --budget 30000 --shard 1/2
refused model many.c --seed 3 --budget 30000 --model sc
refused code many.c --seed 3 --budget 30000 -- -DANYTHING
sed -i 's/i < 3; i++) {/i < 2; i++) {/' many.c
refused code many.c --seed 3 --budget 30000
run "$ONCEPROOF" explore many.c --seed 3 --checkpoint auto.checkpoint
expect_status 2
expect_err "--resume goes on from it"
run "$ONCEPROOF" explore many.c --seed 3 --checkpoint many.c --resume
expect_status 2
expect_err "is no checkpoint"
expect "it is as it was" grep -q pthread_create many.c
run "$ONCEPROOF" explore many.c --resume
expect_status 2
run "$ONCEPROOF" explore many.c --checkpoint /proc/nothing/x
expect_status 2
run "$ONCEPROOF" explore many.c --checkpoint .
expect_status 2

# Two at once: the second complains.
run flock auto.checkpoint "$ONCEPROOF" explore 'counter/mutex/two_increments' --checkpoint auto.checkpoint --resume
expect_status 2
expect_err "another onceproof is using this checkpoint"

# A full disk: the result is there, the checkpoint is good as far as it goes.
search=(explore 'counter/naive/three_increments' 'counter/atomic/*' --strategy random --budget 40000 --seed 1 --witness w)
run "$ONCEPROOF" "${search[@]}" --json room.json
run bash -c 'trap "" XFSZ; ulimit -f 48; exec "$@"' - "$ONCEPROOF" "${search[@]}" --checkpoint full.checkpoint --checkpoint-every 0 -q
expect_err "the checkpoint cannot be written"
run "$ONCEPROOF" "${search[@]}" --checkpoint full.checkpoint --resume --json full.json
expect "the rest is done" same_as room.json full.json

# Ctrl-C: what was done is kept.
rm -f auto.checkpoint
"$ONCEPROOF" explore bugs.c --strategy random --budget 100000000 --seed 9 --checkpoint auto.checkpoint --checkpoint-every 0.01 >out 2>err &
pid=$!
while [[ $(stat -c %s auto.checkpoint 2>/dev/null || echo 0) -lt 20000 ]] && kill -0 "$pid" 2>/dev/null; do :; done
kill -INT "$pid"
wait "$pid"
run "$ONCEPROOF" explore bugs.c --strategy random --budget 100000000 --time-limit 0.1 --checkpoint auto.checkpoint --resume
expect_err "executions did not have to be made again"
reject_err " 0 executions did not"
finish
