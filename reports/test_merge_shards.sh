#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `onceproof merge` on the shards of explored searches: only all of one search make a whole, lost ones are named, strange ones refused.
# shellcheck source=cmake/check.sh
. "$ONCEPROOF_SOURCE/cmake/check.sh"
cd "$scratch" || exit 1
[[ -x ${ONCEPROOF%/bin/*}/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }

# explore FILE ARGUMENTS...
explore() {
	local file=$1
	shift
	run "$ONCEPROOF" explore -q --witness w --json "$file" "$@"
}

merge() {
	run "$ONCEPROOF" merge --json merged.json -q "$@"
}

says() {
	expect "merged.json: $1" test "$(jq -c "$1" merged.json)" = "${2:-true}"
}

# What a whole run and its shards must agree on.
essential='.results[] | [.subject, .scenario, .engine, .verdict, .executions, .blocked, (.findings | map([.kind, .message]) | sort), (.outcomes | map([.label, .count]))]'

# whole_is_shards N ARGUMENTS...
whole_is_shards() {
	local n=$1 i
	shift
	explore whole.json "$@"
	local wanted=$status
	for ((i = 1; i <= n; i++)); do
		explore "$i.json" "$@" --shard "$i/$n"
		expect "shard $i alone proves nothing" test "$(jq '[.results[] | select(.verdict == "proved")] | length' "$i.json")" = 0
	done
	# shellcheck disable=SC2046
	merge $(seq -f %g.json "$n")
	expect_status "$wanted"
	expect "$* in $n shards" diff <(jq -c "$essential" whole.json) <(jq -c "$essential" merged.json)
}
whole_is_shards 3 'counter/mutex/two_increments' 'counter/naive/two_increments' --seed 5
says '[.results[] | [.subject, .verdict]] | sort' '[["counter/mutex","proved"],["counter/naive","bug"]]'
says 'has("lost") or has("shard") or .partial' false
says '[.contracts[] | select(.subject == "counter/mutex" and .promise == "no_lost_update")][0].status' '"upheld"'
mkdir kept && cp 1.json 2.json 3.json kept

# What the explorer cannot run is skipped as a whole, too.
explore whole.json 'counter/percpu/two_increments' --seed 5
for i in 1 2; do explore "skipped$i.json" 'counter/percpu/two_increments' --seed 5 --shard "$i/2"; done
merge skipped1.json skipped2.json
says '[.results[].verdict]' '["skipped"]'
says 'has("lost") or .partial' false

# One is lost: it is named for each search, and nothing is proved.
merge 1.json 3.json
expect_status 3
expect_err "merge: shard 2/3 of counter/mutex two_increments is missing"
expect_err "merge: shard 2/3 of counter/naive two_increments is missing"
says '[.results[] | select(.verdict == "proved")] | length' 0
says '.partial'
says '[.results[] | select(.subject == "counter/mutex") | .evidence | contains("missing: shard 2/3")] | all'
# The hole can be filled later.
cp merged.json hole.json
merge hole.json 2.json
says '.results[] | select(.subject == "counter/mutex") | .verdict' '"proved"'
says 'has("lost") or has("missing_shards") or .partial' false

# Twice the same is once; twice not the same is refused, with both names, and nothing is written.
explore again.json 'counter/mutex/two_increments' 'counter/naive/two_increments' --seed 5 --shard 2/3
merge 1.json 2.json again.json 3.json
says '.results[] | select(.subject == "counter/mutex") | .verdict' '"proved"'
jq '.results[0].executions += 1' 2.json >other.json
rm merged.json
merge 1.json 2.json other.json 3.json
expect_status 2
expect_err "other.json: shard 2/3 of counter/naive two_increments is in 2.json, too, with other results"
expect "nothing is written" test ! -e merged.json

# Shards of other seeds, code, options or versions are no shards of this search.
explore other.json 'counter/mutex/two_increments' --seed 6 --shard 2/3
merge 1.json other.json 3.json
expect_status 3
expect_err "shard 2/3 of counter/mutex two_increments is missing; the one that is there is of another seed (6, not 5)"
says '[.results[] | select(.verdict == "proved")] | length' 0
explore other.json 'counter/mutex/two_increments' --seed 5 --shard 2/3 --budget 1000000
merge 1.json other.json 3.json
expect_status 3
expect_err "of a search with other options, or of another version of onceproof"
jq '.results[].build = "0123456789abcdef" | .results[].search = "x"' 2.json >other.json
merge 1.json other.json 3.json
expect_status 3
expect_err "the one that is there is of other code (build 0123456789ab"
# Another number of shards.
explore other.json 'counter/mutex/two_increments' --seed 5 --shard 2/4
merge 1.json other.json 3.json
expect_status 3
expect_err "shard 2/3 of counter/mutex two_increments is missing"
expect_err "shard 1/4 of counter/mutex two_increments is missing"

# Whole programs, of another source and of none.
cat >program.c <<'END'
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
static atomic_int n;
static void *turn(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++)
		atomic_fetch_add(&n, 1);
	return 0;
}
int main(void)
{
	pthread_t t[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], 0, turn, 0);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], 0);
	assert(n == 4);
	return 0;
}
END
whole_is_shards 2 program.c --seed 1
says '.results[0].verdict' '"proved"'
mkdir elsewhere && (cd elsewhere && cp ../program.c . && "$ONCEPROOF" explore program.c --seed 1 --shard 2/2 --json ../elsewhere.json -q)
merge 1.json elsewhere.json
says '.results[0].verdict' '"proved"'
sed -i 's/i < 2; i++)$/i < 2; ++i)/; $ a /* changed */' program.c
explore other.json program.c --seed 1 --shard 2/2
merge 1.json other.json
expect_status 3
expect_err "shard 2/2 of program.c program is missing; the one that is there is of other code"

# Checks: the verdict over all shards.
check() {
	local file=$1
	shift
	run "$ONCEPROOF" check program.c --seed 1 --engine explore,native --no-cache --witness w -q --json "$file" "$@"
}
check whole.json
expect_status 0
check 1.json --shard 1/2
expect "a shard alone proves nothing" test "$(jq -r '.checks[0].verdict' 1.json)" != proved
check 2.json --shard 2/2
merge 1.json 2.json
expect_status 0
says '.checks | length' 1
says '.checks[0].verdict' '"proved"'
expect "as many executions" test "$(jq '.results[0].executions' whole.json)" = "$(jq '.results[0].executions' merged.json)"
merge 2.json
expect_status 3
expect_err "shard 1/2 of program.c program is missing"
says '.checks[0].verdict' '"inconclusive"'
says '.checks[0].exit_status' 3
sed -i 's/n == 4/n == 3/' program.c
for i in 1 2; do check "$i.json" --shard "$i/2" --expect bug; done
merge 1.json 2.json
expect_status 0
says '.checks[0].verdict' '"bug"'
for i in 1 2; do check "$i.json" --shard "$i/2"; done
merge 1.json 2.json
expect_status 1

# Files that are cut off or partial are named.
head -c "$(($(stat -c %s 2.json) / 2))" 2.json >cut.json
merge 1.json cut.json
expect_status 2
expect_err "cut.json: not valid JSON"
jq '.partial = true' kept/2.json >partial.json
merge kept/1.json partial.json kept/3.json
expect_status 3
expect_err "partial.json is partial"

# Shards of lists, as stress has them, of two seeds are shards of two lists.
for shard in 1 2; do
	run "$ONCEPROOF" stress 'counter/atomic/two_increments' 'counter/naive/two_increments' --engine=native --effort=0.001 --seed=$shard \
		--shard=$shard/2 --json=list$shard.json -q
done
merge list1.json list2.json
expect_status 3
expect_err "2/2 (seed 1, version"
expect_err "1/2 (seed 2, version"
finish
