#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `explore -j`: a search in several processes says what it says in one, and shards of it are together the whole.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
onceproof=${ONCEPROOF:?}
worker=${onceproof%/bin/*}/libexec/onceproof/onceproof-explore
cd "$scratch" || exit 1
[[ -x $worker ]] || { echo "this build has no explorer"; exit 77; }

# What does not depend on time and memory.
plain='del(.host.date) | walk(if type == "object" then del(.seconds, .peak_bytes, .replay, .witness) else . end)'

# same SCENARIO OPTIONS...: one, two and three processes, files and all.
same() {
	local jobs
	for jobs in 1 2 3; do
		run "$onceproof" explore --seed 3 -q -j $jobs --witness "w$jobs" --json - --time-limit 200 "$@"
		jq "$plain" out >"jobs$jobs.json"
		expect "results of $*" jq -e '.results | length == 1 and (.[0].executions > 0) and .[0].limits == ""' "jobs$jobs.json"
	done
	expect "-j 2: $*" diff jobs1.json jobs2.json
	expect "-j 3: $*" diff jobs1.json jobs3.json
	[[ ! -e w1 ]] || expect "the same witnesses: $*" diff -r w1 w2
	rm -rf w?
}
mcs=counter/mcs/three_increment_then_read
same $mcs --strategy dpor --budget 2000000
expect "all of it" jq -e '.results[0].verdict == "proved"' jobs3.json
same $mcs --strategy dpor --budget 20000 # cut in the middle
same $mcs --strategy auto --budget 300000 # cut in the middle, then to the end
same $mcs --strategy random --budget 20000
same $mcs --strategy pct --model sc --budget 20000
expect "a statement about probability" jq -e '.results[0].probability | length == 3' jobs2.json
same counter/load_store/three_threads --strategy random --budget 20000
expect "a finding" jq -e '.results[0].verdict == "bug"' jobs2.json
same counter/naive/three_threads --strategy auto --budget 20000
same counter/sharded_store/three_increment_then_read --strategy dpor --budget 30000
same initialiser/double_checked_plain/first_use_three --strategy surw --budget 20000

# A whole program, whose race and whose bug are rare, so that they come late.
cat >late.c <<'END'
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
enum { STEPS = 6, FEW = 3 };
static _Atomic int total;
static int unguarded;
static void *work(void *arg)
{
	for (int i = 0; i < STEPS; i++) {
		int before = total;
		if (before == FEW && i == STEPS - 1)
			unguarded++;
		total = before + 1;
	}
	return arg;
}
int main(void)
{
	pthread_t a, b;
	char line[16] = "";
	fgets(line, sizeof line, stdin);
	pthread_create(&a, NULL, work, NULL);
	pthread_create(&b, NULL, work, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	printf("%s%d\n", line, total);
	assert(total > FEW);
	return total;
}
END
echo hello >input
for search in random dpor auto; do
	same late.c --strategy $search --budget 20000 --model sc --input input
done

# Others did take part.
for search in dpor random auto; do
	for jobs in 1 2 3; do
		run "$worker" counter/mcs three_increment_then_read -S $search -n 30000 -j $jobs
		expect "$search in processes of $jobs" jq -e --argjson jobs $jobs '.processes == if $jobs == 1 then 1 else $jobs + 1 end' out
	done
done

# A time limit ends all of them, and what they saw is told.
run "$worker" counter/mcs three_increment_then_read -S random -n 1000000000 -j 2 -t 0.5
expect_status 0
expect "out of time" jq -e '.out_of_time and .executions > 0 and .processes == 3' out

# None outlives the one that began them, however it ends.
"$worker" counter/mcs three_increment_then_read -S random -n 1000000000 -j 2 >out 2>err &
parent=$!
children=()
while kill -0 $parent 2>/dev/null && [[ ${#children[@]} -lt 2 ]]; do mapfile -t children < <(pgrep -P $parent); done
expect "two children" [ ${#children[@]} -eq 2 ]
kill -KILL $parent
wait $parent 2>/dev/null
gone() {
	local deadline=$((SECONDS + 30)) child
	for child in "${children[@]}"; do
		while [[ -e /proc/$child ]] && ! grep -q '^State:.*Z' "/proc/$child/status" 2>/dev/null; do ((SECONDS < deadline)) || return 1; done
	done
}
expect "the children are gone" gone

# Shards, in two processes each, are together the whole.
shards() {
	local i
	for i in 1 2 3; do
		run "$onceproof" explore "$@" --seed 3 -q --shard $i/3 -j 2 --json "shard$i.json" --witness none
	done
	run "$onceproof" merge shard1.json shard2.json shard3.json --json merged.json
	run "$onceproof" explore "$@" --seed 3 -q --json whole.json --witness none
	for member in '.results[0].verdict' '.results[0].executions' '[.results[0].outcomes[].count]' '[.results[0].findings[]? | [.kind, .first]]' \
		'[.contracts[].status]'; do
		expect "$*: $member" diff <(jq "$member" merged.json) <(jq "$member" whole.json)
	done
}
shards $mcs --strategy dpor --budget 2000000
shards $mcs --strategy random --budget 30000
shards counter/load_store/three_threads --strategy random --budget 30000
shards counter/load_store/two_by_two --strategy auto --budget 30000
shards counter/ticket/three_threads --strategy auto --budget 30000
finish
