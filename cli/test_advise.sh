#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Advice from results that are made up here, on which the best answer is known: what is taken, whether it matters, and why not the others.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
onceproof=${ONCEPROOF:?}
cd "$scratch" || exit 1
export HOME=$scratch/home
unset XDG_DATA_HOME
mkdir -p home

# result FILE [KEY=VALUE...] < rows: a result with one line "NAME NS [LOW HIGH]" for each row; the machine is this one unless KEYs say otherwise.
result() {
	local file=$1
	shift
	"$onceproof" list --json list.json >/dev/null
	python3 -c '
import json, sys
host = json.load(open("list.json"))["host"]
context = {"date": "2020-01-02T03:04:05+00:00", "compiler": host["compiler"], "plan": "full", "processes": 10, "partial": "false"}
machine = {"cpu_model": host["cpu"], "class": "made up", "cores": 2, "allowed": host["cores_usable"], "loaded": False}
studies = {}
for word in sys.argv[2:]:
    key, value = word.split("=", 1)
    if key == "studies":
        studies = json.loads(value)
    else:
        (machine if key in machine else context)[key] = json.loads(value) if value[0] in "0123456789tf{[" and not value.startswith("20") else value
lines = []
for row in sys.stdin:
    name, ns, *rest = row.split()
    line = {"run_name": name, "run_type": "aggregate", "aggregate_name": "median", "wall_ns_per_op": float(ns), "low": 0, "high": 0}
    if rest and rest[0] == "lost":
        lines.append({"run_name": name, "run_type": "iteration", "lost": 25, "ops": 100})
    elif rest and rest[0] == "broken":
        line["broken"] = "made up to be broken"
    elif rest:
        line["low"], line["high"] = map(float, rest)
    lines.append(line)
context["machine"] = machine
json.dump({"context": context, "benchmarks": lines, "studies": studies}, open(sys.argv[1], "w"))
' "$file" "$@"
}

# A machine with two cores on which prices are what one knows: what is shared is dear, and dearer with two threads.
rows() {
	cat <<-'END'
		initialiser/mutex/get/threads:2 40
		initialiser/atomic/get/threads:2 0.15 0.14 0.16
		initialiser/once/get/threads:2 0.15 0.14 0.16
		initialiser/pthread_once/get/threads:2 1.5
		initialiser/spinlock/get/threads:2 60
		initialiser/peer_std_call_once/get/threads:2 3
		counter/naive/increment/threads:2 3 lost
		counter/mutex/increment/threads:2 40 38 42
		counter/atomic/increment/threads:2 7 6.9 7.1
		counter/spinlock/increment/threads:2 11 10 12
		counter/ticket/increment/threads:2 200 190 210
		counter/sharded/increment/threads:2 1.3 1.2 1.4
		counter/sharded_store/increment/threads:2 0.35 0.34 0.36
		counter/sharded_fenced/increment/threads:2 0.5 0.49 0.51
		counter/block_tickets/increment/threads:2 0.4 0.39 0.41
		counter/tally/increment/threads:2 0.35 0.34 0.36
		counter/tally_fenced/increment/threads:2 0.35 0.34 0.36
		counter/tally_tickets/increment/threads:2 0.4 0.39 0.41
		counter/tally_steps/increment/threads:2 7 6.9 7.1
		counter/load_store/increment/threads:2 5
		counter/atomic/read_dirty_8/threads:1 5
		counter/tally/read_dirty_8/threads:1 400
		counter/tally_fenced/read_dirty_8/threads:1 450
		counter/atomic/increment/threads:1 4
		counter/tally/increment/threads:1 0.6
		progress/under_lock/step/threads:2 60 55 65
		progress/monotone/step/threads:2 30 28 32
		progress/channel/step/threads:2 20 19 21
		progress/sampler/step/threads:2 7.2 7.1 7.3
		progress/teller/step/threads:2 7.2 7.1 7.3
		floor/lock_xadd/threads:2 7
	END
}
rows | result usual.json

# The same with a row for every implementation there is, as a whole run has them.
all_rows() {
	rows
	jq -r '.implementations[].subject' list.json | sed -n 's|^initialiser.*|&/get/threads:2|p; s|^counter.*|&/increment/threads:2|p; s|^progress.*|&/step/threads:2|p' |
		grep -vxFf <(rows | cut -d' ' -f1) | sed 's/$/ 5000/'
}

# holds JQ-WORDS...: jq finds it true, in silence.
holds() {
	jq -e "$@" >/dev/null
}

# advise OPTION...: on the usual machine with two threads, its answer in advice.json.
advise() {
	run "$onceproof" advise --threads 2 --json advice.json "$@"
	expect_status 0
}

# takes FAMILY NAME MATTERS
takes() {
	expect "$1/$2 should be taken, and 'matters' be $3" [ "$(jq -r --arg f "$1" '.advice[0].take[] | select(.family == $f) | "\(.subject) \(.matters)"' advice.json)" = "$1/$2 $3" ]
}

# rejects SUBJECT KIND TEXT
rejects() {
	expect "$1 should be rejected as $2 with '$3'" holds --arg s "$1" --arg k "$2" --arg t "$3" \
		'.advice[0].rejected[] | select(.subject == $s) | .kind == $k and (.reason | contains($t))' advice.json
}

# Progress at ten million items a second: the header's, which is as cheap as the best.
advise --results usual.json --item-us 0.1
takes initialiser once true
takes counter tally true
takes progress teller true
rejects initialiser/naive lacks-promise "may break exactly_once (one load succeeds, ever)"
rejects initialiser/pthread_once lacks-promise "retries_failure"
rejects initialiser/eager unfit "before main"
rejects initialiser/atomic as-cheap "comes as a header"
rejects initialiser/spinlock dearer "400 times the price with 2 threads"
rejects initialiser/peer_std_call_once peer "20 times the price"
rejects counter/naive lacks-promise "lost 25 % when it was measured"
rejects counter/atomic dearer "20 times the price with 2 threads: 14 ns (13.8 to 14.2) an item against 0.7 ns (0.68 to 0.72)"
rejects counter/sharded_store as-cheap "comes as a header"
rejects counter/tally_fenced as-cheap "later in reading order"
rejects counter/mcs unmeasured "not measured"
rejects progress/under_lock unfit "needs the step of each increment, which counter/tally does not return"
rejects progress/after_increment lacks-promise "never_backwards"
rejects progress/channel dearer "times the price"
expect_out "#include <onceproof/tally.h>"
expect_out "0.4 ns (0.2 to 0.6) of an item, 0.4 % of it; step, 2 threads"
expect_out "0.7 ns (0.68 to 0.72) of an item, 0.7 % of it; increment, 2 threads"
expect_out "it matters: counter/ticket keeps as much and takes 400 ns (380 to 420), 400 % of an item"
reject_out "--need"

# variant NEED SUBJECT LOW HIGH: what the same load would take if gaps were asked for otherwise.
variant() {
	expect "the variant should be $2 for --need $1" holds --arg n "$1" --arg s "$2" --argjson l "$3" --argjson h "$4" \
		'.advice[0].variant | .need == $n and .subject == $s and (.low - $l | fabs) < 1e-3 and (.high - $h | fabs) < 1e-3' advice.json
}

# Numbers of one's own: with gaps they come by the block; without, all have to be fetched from one line.
advise --results usual.json --item-us 0.1 --need unique
takes counter tally_tickets true
takes progress teller true
rejects counter/tally lacks-promise "its increment returns no number"
rejects counter/load_store lacks-promise "no_lost_update"
rejects counter/block_tickets as-cheap "comes as a header"
rejects counter/tally_steps dearer "times the price with 2 threads: 14 ns (13.8 to 14.2) an item against 0.8 ns (0.78 to 0.82)"
rejects progress/under_lock unfit "which counter/tally_tickets does not return: its numbers have gaps"
variant dense counter/tally_steps 13.8 14.2
expect_out "without gaps (--need dense): counter/tally_steps, 14 ns (13.8 to 14.2) of an item; increment, 2 threads; 17 times the price"
advise --results usual.json --item-us 0.1 --need dense
takes counter tally_steps true
rejects counter/tally lacks-promise "does not offer unique_steps"
rejects counter/tally_tickets lacks-promise "its numbers are unique, with gaps: --need unique takes such"
rejects counter/block_tickets lacks-promise "with gaps"
rejects counter/atomic as-cheap "comes as a header"
variant unique counter/tally_tickets 0.78 0.82
expect_out "where gaps are allowed (--need unique): counter/tally_tickets, 0.8 ns (0.78 to 0.82) of an item; increment, 2 threads; 17 times cheaper"
# Where the choice does not matter the simplest one has no gaps anyway, and tells progress by its steps.
advise --results usual.json --item-us 50000 --reads-per-s 0 --need unique
takes counter mutex false
takes progress under_lock false
variant dense counter/mutex 76 84
expect_out "without gaps (--need dense): the same"

advise --results usual.json --item-us 0.1 --need linearizable
takes counter tally_fenced true
rejects counter/tally lacks-promise "may break linearizable_value"

# Losing updates is allowed, data races are not; and what loses is not even cheap.
advise --results usual.json --item-us 0.1 --need approximate
takes counter tally true
rejects counter/load_store dearer "14 times"
expect "no variant" holds '.advice[0].variant == null' advice.json
rejects counter/naive lacks-promise "race_free"

# Items of 50 ms: the simplest of all will do.
advise --results usual.json --item-us 50000 --reads-per-s 0
takes initialiser mutex false
takes counter mutex false
takes progress under_lock false
expect_out "it does not matter: the simplest that keeps what is needed; the cheapest is counter/sharded_store, 0.7 ns (0.68 to 0.72)"
rejects counter/tally as-cheap "not as simple: 0.7 ns (0.68 to 0.72) an item"
rejects counter/load_store lacks-promise "no_lost_update"
# Quotients have digits however small they are.
expect "a small quotient has digits" grep -q "sharded_store 0.008[78]," "$scratch/out"
# At 1 us the mutex costs 8 %, but a spinlock is no good either.
advise --results usual.json --item-us 1
takes counter tally true

# Reads have a price: at ten million a second the counter that is read in one piece is cheaper.
advise --results usual.json --item-us 1 --reads-per-s 10000000
takes counter atomic true
advise --results usual.json --item-us 1 --reads-per-s 0
takes counter tally true

# A reader that slows increments down: from the nearest measured rate.
{ rows; echo "counter/tally/increment_polled/threads:2 35"; echo "counter/sharded_store/increment_polled/threads:2 0.36"; echo "counter/tally_fenced/increment_polled/threads:2 35"; } | result polled.json
advise --results polled.json --item-us 0.1 --reads-per-s 10000
takes counter sharded_store true
advise --results polled.json --item-us 0.1 --reads-per-s 100
takes counter tally true

# A promise that was seen broken counts for nothing.
{ rows | grep -v "counter/tally/increment/threads:2"; echo "counter/tally/increment/threads:2 0.3 broken"; } | result broken.json
advise --results broken.json --item-us 0.1
takes counter tally_fenced true
rejects counter/tally lacks-promise "made up to be broken"

# What is less than can be told is not told as nothing; and a difference is as uncertain as both prices that it is of.
{ rows | grep -v "floor/lock_xadd"; echo "floor/lock_xadd/threads:2 8 7 9"; } | result small.json
advise --results small.json --item-us 0.1
takes progress teller true
expect_out "under 0.1 ns (under 0.1 to 0.41) of an item, under 0.01 % of it; step, 2 threads"
rejects progress/sampler as-cheap "as cheap, under 0.1 ns (under 0.1 to 0.41) an item"
rejects progress/channel dearer "24 ns (21.2 to 26.8) an item"
for words in "" -v --list; do
	run "$onceproof" advise --threads 2 --results small.json --item-us 0.1 $words
	for zero in " 0 ns" "(0 to" " 0.0 " " 0 %" " inf" " nan"; do
		reject_out "$zero"
	done
done

# Intervals that meet are no difference, however small an item is.
{ rows | grep -v "counter/tally/increment/threads:2"; echo "counter/tally/increment/threads:2 0.5 0.3 0.7"; } | result wide.json
advise --results wide.json --item-us 0.005 --reads-per-s 0
takes counter tally true
{ rows | grep -v "counter/tally[_a-z]*/increment/threads:2"; echo "counter/tally/increment/threads:2 0.5 0.45 0.55"; } | result narrow.json
advise --results narrow.json --item-us 0.005 --reads-per-s 0
takes counter sharded_store true

# Prices of an opaque call come before those of a bare loop, where as many were measured that way.
{ rows; rows | sed -n 's|/increment/threads:2|/increment_call/threads:2|p' | sed 's/^counter.tally.increment_call.*/counter\/tally\/increment_call\/threads:2 9/'; } | result call.json
advise --results call.json --item-us 0.1
takes counter tally_fenced true

# Threads that were not measured: the nearest are taken and said, the same for all.
run "$onceproof" advise --results usual.json --threads 16 --item-us 0.1
expect_status 0
expect_out "2 threads (the nearest to 16 that was measured)"

# Whole batches of the choice, where there are some.
batch='studies={"crossings":{"limit":0.05,"choices":[{"choice":"once+tally+teller","threads":2,"found":"between","item_ns":70,"low":50,"high":90,"points":[{"item_ns":100,"overhead":0.031,"low":0.02,"high":0.04,"progress_latency_ns":{"p50":2500}},{"item_ns":10000,"overhead":0.001,"low":-0.001,"high":0.002}]}]}}'
rows | result batch.json "$batch"
advise --results batch.json --item-us 0.1
expect_out "with items of 100 ns it adds 3.1 % (2 to 4)"
expect_out "less than 5 % from items of 70 ns on (between 50 ns and 90 ns); the front end's news is 2.5 us old (median)"
expect "the same in JSON" holds '.advice[0].batch | .overhead == 0.031 and .crossing_ns == 70' advice.json

# --- which evidence
# evidence FROM THIS_MACHINE FILE
evidence() {
	expect "evidence should be $1, this_machine $2, $3" holds --arg f "$1" --argjson t "$2" --arg n "$3" \
		'.advice[0].evidence | .from == $f and .this_machine == $t and (.file | endswith($n))' advice.json
}
store=home/.local/share/onceproof/bench
advise
evidence shipped "$(jq '.advice[0].evidence.this_machine' advice.json)" "results that come with this program"
expect_out "\`onceproof bench --quick\` measures it"
expect_out "Evidence: results that come with this program: 20"
expect_out "This machine was not measured"
# passed_over TEXT: a result was passed over, and the answer says why; "": none was.
passed_over() {
	expect "passed over should be '$1'" holds --arg t "$1" '.advice[0].evidence.passed_over | if $t == "" then . == null else . == $t end' advice.json
	[ -z "$1" ] || expect_out "$1"
}
passed_over ""
mkdir -p "$store"
# A name that is no UTF-8 costs nobody the answer, and moves no terminal's cursor.
echo "no JSON" >"$store"/$'a\xff\e[31mb.json'
advise
expect "an answer, with the name repaired" holds '.advice[0].evidence.passed_over | test("^.a\ufffd.?\\[31mb. ")' advice.json
expect "no escape sequence" [ "$(grep -ac $'\e\\[31m' out)" -eq 0 ]
rm "$store"/a*.json
all_rows | result "$store/a.json" date=2021-01-01T00:00:00+00:00
all_rows | result "$store/b.json" date=2022-01-01T00:00:00+00:00
all_rows | result "$store/other.json" date=2029-01-01T00:00:00+00:00 "cpu_model=Another processor"
all_rows | result "$store/clang.json" date=2029-01-01T00:00:00+00:00 "compiler=another 1.0"
all_rows | result "$store/cut.json" date=2029-01-01T00:00:00+00:00 dropped=70
for copy in 1 2 3 4 5 6; do
	cp "$store/cut.json" "$store/cut$copy.json"
done
all_rows | grep counter | result "$store/part.json" date=2029-01-01T00:00:00+00:00
rows | result "$store/few.json" date=2029-01-01T00:00:00+00:00
echo "no JSON" >"$store/broken.json"
echo "{}" >"$store/empty.json"
mkdir "$store/folder.json"
advise
evidence saved true bench/b.json
passed_over "'cut' (2029-01-01) was passed over: the time was too short for 70 repetitions."
expect_out "2022-01-01"
reject_out "onceproof bench"
rm "$store"/[ab].json "$store"/cut?.json
advise
evidence saved true bench/cut.json
expect_out "70 repetitions lacking"
# Of fair locks a few repetitions always are: this one counts as whole.
all_rows | result "$store/a.json" date=2028-01-01T00:00:00+00:00 dropped=1
advise
evidence saved true bench/a.json
expect_out "1 repetition lacking"
passed_over "'cut' (2029-01-01) was passed over: the time was too short for 70 repetitions."
rm "$store/a.json" "$store/cut.json"
all_rows | result "$store/a.json" date=2030-01-01T00:00:00+00:00 partial=true
advise
expect_out "cut short"
rm "$store/a.json"
# Whoever measured and is told of another machine's prices is told why, too: of the latest first.
shipped() {
	advise
	evidence shipped "$(jq '.advice[0].evidence.this_machine' advice.json)" "results that come with this program"
	passed_over "$1"
	expect_out "So nothing is known of this machine: \`onceproof bench --quick\`"
}
counters=$(jq '[.implementations[].subject | select(startswith("counter/"))] | length' list.json)
few=$(rows | grep -c "^counter/[a-z_]*/increment/threads:2")
jq '.context.date = "2031-01-01T00:00:00+00:00"' "$store/few.json" >new.json && mv new.json "$store/few.json"
advise
expect "a result with too few rows" holds --arg t "'few' (2031-01-01) was passed over: it lacks " '.advice[0].evidence.passed_over | startswith($t)' advice.json
expect_out "$((counters - few)) of $counters counters ("
all_rows | grep -v "^counter/[m-z]" | result "$store/latest.json" date=2020-01-01T00:00:00+00:00 dropped=2730
lacking=$(jq -r '.implementations[].subject | select(test("^counter/[m-z]"))' list.json | wc -l)
named=$(jq -r '[.implementations[].subject | select(test("^counter/[m-z]")) | ltrimstr("counter/")][:3] | join(", ")' list.json)
shipped "'latest' (2020-01-01) was passed over: it lacks $lacking of $counters counters ($named, ...); the time was too short for 2730 repetitions."
all_rows | result "$store/latest.json" date=2020-01-01T00:00:00+00:00 "cpu_model=Another processor"
shipped "'latest' (2020-01-01) was passed over: it is of another machine (Another processor, $(jq '.host.cores_usable' list.json) cores)."
all_rows | result "$store/latest.json" date=2020-01-01T00:00:00+00:00 "compiler=another 1.0"
shipped "'latest' (2020-01-01) was passed over: it was built by another compiler (another 1.0, not $(jq -r '.host.compiler' list.json))."
for unreadable in broken empty; do
	cp "$store/$unreadable.json" "$store/latest.json"
	touch -d 2020-01-01T00:00:00Z "$store/latest.json"
	advise
	expect "an unreadable result" holds --arg t "'latest' (2020-01-01) was passed over: it cannot be read: " '.advice[0].evidence.passed_over | startswith($t)' advice.json
done
rm "$store/latest.json"
all_rows | result "$store/cut.json" date=2029-01-01T00:00:00+00:00 dropped=70
mkdir -p file/onceproof && : >file/onceproof/bench
XDG_DATA_HOME=$scratch/file shipped "$scratch/file/onceproof/bench was passed over: Not a directory."
# What is shown is the best there is: of another machine's results and of older ones nothing is said.
mkdir -p quiet/onceproof/bench
all_rows | result quiet/onceproof/bench/a.json date=2021-01-01T00:00:00+00:00
all_rows | result quiet/onceproof/bench/other.json date=2029-01-01T00:00:00+00:00 "cpu_model=Another processor"
XDG_DATA_HOME=$scratch/quiet advise
evidence saved true bench/a.json
passed_over ""
rows | result quiet/onceproof/bench/latest.json date=2020-01-01T00:00:00+00:00
XDG_DATA_HOME=$scratch/quiet advise
evidence saved true bench/a.json
passed_over ""
XDG_DATA_HOME=$scratch/nowhere advise
evidence shipped "$(jq '.advice[0].evidence.this_machine' advice.json)" "results that come with this program"
advise --results "$store/other.json"
evidence given false other.json
expect_out "of another machine or compiler"
XDG_DATA_HOME=$scratch/quiet advise --results a # the name of a saved one
evidence given true bench/a.json
run "$onceproof" advise --results nobody
expect_status 2
expect_err "--results: nobody: No such file or directory; give what"
rows | result busy.json loaded=true
advise --results busy.json
expect_out "while others used the machine"
# A report of `bench --json` has the result inside.
jq '{schema: "onceproof/1", benchmarks: .}' usual.json >report.json
advise --results report.json --item-us 0.1
takes counter tally true

# --- all needs; only the names
run "$onceproof" advise --list --results usual.json --threads 2 --item-us 0.1
expect_status 0
for need in "exact .*once .*tally .*teller" "unique .*once .*tally_tickets" "dense .*once .*tally_steps .* % (.* % to .* %) " "linearizable .*tally_fenced" "approximate .*tally"; do
	expect "a line for $need" grep -q "^$need" "$scratch/out"
done
run "$onceproof" advise -q --results usual.json --threads 2 --item-us 0.1
expect "three names" diff "$scratch/out" <(printf '%s\n' initialiser/once counter/tally progress/teller)
run "$onceproof" advise --json - --results usual.json
expect "JSON alone on stdout" holds '.advice | length == 1' "$scratch/out"
run "$onceproof" advise --list --json - --results usual.json
expect "an answer for each need" holds '[.advice[].question.need] == ["exact", "unique", "dense", "linearizable", "approximate"]' "$scratch/out"

# --- misuse
refuse() {
	local text=$1
	shift
	run "$onceproof" advise "$@"
	expect_status 2
	expect_err "$text"
	expect "nothing on stdout" [ ! -s "$scratch/out" ]
}
for number in 0 -1 nan inf 1e99 x ""; do
	refuse "--item-us: '$number'" "--item-us=$number"
done
for number in -1 nan inf 1e99 x; do
	refuse "--reads-per-s: '$number'" "--reads-per-s=$number"
done
for number in 0 -1 5000 1.5 99999999999999999999; do
	refuse "--threads: '$number'" "--threads=$number"
done
refuse "--need: 'speed' is not exact, unique, dense, linearizable or approximate" --need speed
refuse "--need: ''" --need ""
refuse "takes options only" counter/tally
refuse "absent.json: No such file" --results absent.json
refuse "Is a directory" --results home
refuse "line 1" --results "$store/broken.json"
refuse "has no benchmarks" --results "$store/empty.json"
refuse "it lacks rows" --results "$store/part.json"
refuse "--shard" --shard 1/2 --results usual.json

# --- shipping
bash "$ONCEPROOF_SOURCE/bench/ship.sh" batch.json >shipped.json || fail "ship.sh should trim a result"
advise --results shipped.json --item-us 0.1
takes counter tally true
expect_out "0.7 ns (0.68 to 0.72) of an item"
expect_out "with items of 100 ns it adds 3.1 % (2 to 4)"
rejects counter/naive lacks-promise "lost 25 %"
# What did not measure whole, alone and everything in nearly all its processes.
whole='if (.benchmarks | type) == "object" then .benchmarks else . end'
for short in '.context.partial = "true"' '.context.machine.loaded = true' '.benchmarks |= map(if .aggregate_name == "median" then .processes = 1 else . end)'; do
	jq "$whole | $short" batch.json >cut.json || fail "the result cannot be altered"
	run bash "$ONCEPROOF_SOURCE/bench/ship.sh" cut.json
	expect "a result that was cut short should not ship: $short" [ "$status" -ne 0 ]
done
expect "the shipped result has rows of all families and is dated" holds '(.context.date | startswith("20")) and
	([.benchmarks[].run_name | split("/")[0]] | contains(["initialiser", "counter", "progress"]))' "$ONCEPROOF_SOURCE/bench/shipped/prices.json"
finish
