#!/bin/bash
# SPDX-License-Identifier: MIT
# Saving and comparing from outside: what is kept where, exit statuses, and refusals. Prices are drawn, and no measured one decides
# anything.
#
#   test_compare.sh ONCEPROOF_BENCH ONCEPROOF TEST_BENCH_COMPARE
set -uo pipefail
bench=$1 onceproof=$2 drawn=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export XDG_DATA_HOME=$scratch/data
store=$XDG_DATA_HOME/onceproof/bench
failed=0
cd "$scratch" || exit 1

fail()
{
	echo "FAILED: $*"
	failed=1
}

# expect STATUS WORDS COMMAND...: the exit status, and WORDS somewhere in what it says
expect()
{
	local status=$1 words=$2 got=0
	shift 2
	"$@" > "$scratch/out" 2>&1 || got=$?
	[ "$got" = "$status" ] || { fail "$*: status $got, not $status"; cat "$scratch/out"; }
	[ -z "$words" ] || grep -q -- "$words" "$scratch/out" || { fail "$*: no '$words'"; head -n 20 "$scratch/out"; }
}

draw()
{
	"$drawn" write "$@" || fail "cannot draw $*"
}

compare()
{
	"$onceproof" bench --compare "$@"
}

# What is saved is whole and has ten processes, whatever the plan; it can be compared with itself, and read by Google Benchmark's tools.
expect 0 "" "$onceproof" bench --quick --threads 1 -q --save first counter/atomic/increment
[ -f "$store/first.json" ] || fail "--save: no file"
[ "$(grep -c '"name": "counter/atomic/increment/threads:1",' "$store/first.json")" = 10 ] || fail "--save: not ten processes"
[ ! -e "$store/latest.json" ] || fail "a run with a filter was kept as the latest"
# Of one file there is nothing to report, and on a loaded machine nothing to promise.
status=0
compare first first > out 2>&1 || status=$?
[ $status = 0 ] || [ $status = 3 ] || { fail "a result against itself: $status"; cat out; }
grep -q "no change beyond noise in 1 row" out || { fail "a result against itself"; cat out; }
expect 0 "" "$onceproof" bench --quick --threads 1 -q --save "$scratch/second.json" --processes 11 counter/atomic/increment
[ "$(grep -c '"name": "counter/atomic/increment/threads:1",' second.json)" = 11 ] || fail "--processes 11"
if command -v /usr/bin/python3 > /dev/null && [ -f /usr/share/benchmark/compare.py ] && /usr/bin/python3 -c 'import scipy' 2> /dev/null; then
	expect 0 "counter/atomic/increment/threads:1" /usr/bin/python3 /usr/share/benchmark/compare.py benchmarks "$store/first.json" second.json
else
	echo "compare.py or scipy is missing: not tried"
fi

# Changes, and the exit status of each kind.
draw a.json seed=1
draw burdened.json seed=1 loaded=true
expect 3 "loaded while" compare burdened.json burdened.json
[ "$(grep -c 'the machine was loaded while' out)" = 1 ] || { fail "of one result a note is said twice"; cat out; }
draw b.json seed=2
draw slow.json seed=3 slower=0.3 which=5
draw fast.json seed=3 slower=-0.3 which=5
expect 0 "no change beyond noise in 30 rows" compare a.json b.json
expect 1 "1 of 30 rows changed: 1 slower, 0 faster" compare a.json slow.json
expect 1 "^counter/drawn_5/increment/threads:2 .*+[23][0-9] %" compare a.json slow.json
expect 0 "0 slower, 1 faster" compare a.json fast.json
expect 1 "0 slower, 1 faster" compare a.json fast.json --fail-on change
expect 0 "no change beyond noise in 30 rows" compare a.json slow.json --at-least 40%
expect 0 "no change beyond noise in 1 row" compare a.json slow.json counter/drawn_4
expect 1 "alarm *visible *verdict" compare a.json slow.json --all
[ "$(grep -c '^counter/drawn_' out)" = 30 ] || fail "--all: not all rows"
expect 1 "smallest slowdown that is seen" compare a.json slow.json --by time

# For programs and for job summaries.
compare a.json slow.json --json report.json --markdown summary.md -q > /dev/null
expect 0 '"schema": "onceproof/1"' cat report.json
expect 0 '"verdict": "slower"' cat report.json
expect 0 '"smallest_visible"' cat report.json
expect 0 '| `counter/drawn_5/increment/threads:2` |' cat summary.md
[ "$(compare a.json slow.json --json - | head -n 1)" = "{" ] || fail "--json -: not only JSON"

# What can only be said.
draw partial.json seed=2 partial=true
draw few.json seed=2 processes=4
draw clang.json seed=2 compiler=clang
draw less.json seed=2 rows=20
draw loaded.json seed=2 loaded=true
expect 3 "partial" compare a.json partial.json
expect 1 "1 slower" compare partial.json slow.json
expect 3 "no row has enough processes" compare a.json few.json
expect 0 "compiler: gcc in a.json, clang in clang.json" compare a.json clang.json
expect 0 "10 rows only in a.json: counter/drawn_20" compare a.json less.json
expect 3 "the machine was loaded" compare a.json loaded.json

# What cannot be compared: a refusal that says what to do.
draw other.json seed=2 cpu_model=another
draw old.json seed=2 format=0
draw new.json seed=2 format=99
draw none.json rows=0
expect 2 "different machines.*merge" compare a.json other.json
expect 2 "old.json: was written by onceproof drawn, an earlier version (its format is 0, that of this program [0-9]*); save it again" compare a.json old.json
expect 2 "new.json: was written by onceproof drawn, a later version .*a program as new as that, or save it again" compare new.json a.json
draw same.json seed=2 format=0 "onceproof_version=$("$onceproof" --version | cut -d' ' -f2)"
expect 2 "an earlier build of this version" compare same.json a.json
grep -v '"format":' a.json > first_ever.json
expect 2 "an earlier version (its format is not numbered" compare first_ever.json a.json
expect 2 "no row in common" compare a.json none.json
expect 2 "no row in common that the filter chooses: 'nosuch';" compare a.json b.json nosuch
expect 2 "chooses: 'drawn_5' (did you mean '\*/drawn_5\*'?)" compare a.json b.json drawn_5
sed 's/"process":/"other":/' a.json > plain.json
expect 2 "do not say which process" compare plain.json b.json
sed 's/"process": *[0-9]*/"process": 1000/' a.json > many.json
expect 2 "its process none from 0 to 999" compare many.json b.json
expect 2 "no such saved result.*--save nosuch" compare nosuch a.json
expect 2 "is a folder" compare "$scratch" a.json
: > empty.json
expect 2 "is empty" compare a.json empty.json
head -c 5000 /dev/urandom > binary.json
expect 2 "no result that can be read" compare a.json binary.json
head -c 3000 a.json > cut.json
expect 2 "no result that can be read" compare cut.json a.json
echo '{"context": {}, "benchmarks": []}' > foreign.json
expect 2 "is no result of" compare foreign.json a.json
echo '[1, 2]' > list.json
expect 2 "is no result of" compare a.json list.json
sed '0,/"real_time": [0-9.e+-]*/s//"real_time": -1/' a.json > negative.json
expect 2 "cannot be" compare a.json negative.json
expect 2 "takes two saved results" compare a.json
expect 2 "measures nothing" compare a.json b.json --quick
expect 2 "belong to --compare" "$onceproof" bench --at-least 3%
expect 2 "no percentage" compare a.json b.json --at-least much
expect 2 "neither ratio nor time" compare a.json b.json --by luck
expect 2 "summary.md.*cannot be written: No such file" compare a.json b.json --markdown "$scratch/missing/summary.md"
: > appended.md
expect 0 "" compare a.json b.json --markdown appended.md
expect 0 "" compare a.json b.json --markdown appended.md
[ "$(grep -c '^### Benchmarks' appended.md)" = 2 ] || fail "--markdown does not append"
expect 0 "^### Benchmarks" compare a.json b.json --markdown -
mkdir closed && : > closed/summary.md && chmod 555 closed
expect 0 "" compare a.json b.json --markdown closed/summary.md
[ -s closed/summary.md ] || fail "--markdown: nothing in a file whose folder is closed"
chmod 755 closed
if [ -e /dev/full ]; then
	expect 2 "No space left" bash -c "'$bench' --compare a.json b.json > /dev/full"
	expect 2 "No space left" "$bench" --compare a.json b.json --no-table --json /dev/full
fi

# Names, places, and what was there before.
expect 2 "is no name for a saved result" "$bench" --quick --threads 1 --save .hidden floor/store
expect 2 "is no name for a saved result" "$bench" --quick --threads 1 --save 'a b' floor/store
expect 2 "neither HOME nor XDG_DATA_HOME" env -u HOME -u XDG_DATA_HOME "$bench" --quick --threads 1 --save x floor/store
expect 0 "" env -u XDG_DATA_HOME HOME="$scratch/home" "$bench" --quick --threads 1 --no-table -q --save x floor/store
[ -f home/.local/share/onceproof/bench/x.json ] || fail "HOME decides where XDG_DATA_HOME is not set"
: > file
expect 2 "cannot be written.*XDG_DATA_HOME" env XDG_DATA_HOME="$scratch/file" "$bench" --quick --threads 1 --save x floor/store
[ ! -e /dev/full ] || expect 2 "No space left" "$bench" --quick --threads 1 --no-table -q --save /dev/full floor/store
cp "$store/first.json" kept.json
"$bench" --full --threads 1 --no-table --save first counter/atomic -v 2> told &
pid=$!
for (( i = 0; i < 600; i++ )); do
	[ -s told ] && break
	sleep 0.1
done
kill -INT $pid
wait $pid
[ $? = 3 ] || fail "an interrupted save: the status is not 3"
grep -q "was not saved" told || { fail "an interrupted save does not say so"; cat told; }
cmp -s kept.json "$store/first.json" || fail "an interrupted save changed what was there"
[ "$(find "$store" -type f | wc -l)" = 1 ] || { fail "something else lies in the store"; ls -la "$store"; }
exit $failed
