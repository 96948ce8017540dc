#!/bin/bash
# SPDX-License-Identifier: MIT
# Short runs of the price list: names, ratios, totals and refusals. No time that is measured decides anything here.
#
#   test_run.sh ONCEPROOF_BENCH ONCEPROOF
set -uo pipefail
bench=$1 onceproof=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

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
	grep -q -- "$words" "$scratch/out" || { fail "$*: no '$words'"; head -n 20 "$scratch/out"; }
}

# Every implementation has rows, and a selection of them is measured right.
"$bench" --list > "$scratch/rows" || fail "--list"
for family in counter initialiser progress; do
	for file in "$ONCEPROOF_SOURCE"/impl/$family/[0-9][0-9]_*.c; do
		name=$(basename "$file" .c)
		grep -q "^$family/${name#??_}/.*/threads:2$" "$scratch/rows" || fail "--list: no row of $family/${name#??_}"
	done
done
# Without the fair locks: on a busy machine every handover waits for a thread that is not running.
expect 0 "counter/atomic/increment/threads:2 " "$bench" --threads 1,2 --json "$scratch/b.json" \
	'counter/[!mtp]*/increment' counter/mutex/increment initialiser/atomic 'initialiser/[!p]*/storm' counter/sharded_store progress/monotone 'pipeline/mutex+*/item_1us' -- --benchmark_repetitions=3

cat > "$scratch/check.py" << 'END'
import json, math, statistics, sys
data = json.load(open(sys.argv[1]), parse_constant=lambda word: sys.exit("not JSON: " + word))
claims = {line.split()[0]: line.split()[1:] for line in open(sys.argv[2])}
rows = [row for row in data["benchmarks"] if row["run_type"] == "iteration"]
problems = []
def need(ok, what):
    if not ok:
        problems.append(what)
names = {row["name"] for row in rows}
need(data["context"]["partial"] == "false", "context: partial")
for row in rows:
    name = row["name"]
    family = name.split("/")[0]
    need(name.split("/")[-1] == "threads:%d" % row["threads"] and not any(word in name for word in ("manual_time", "iterations", "repeats")), "name " + name)
    if row.get("error_occurred"):
        need(row["error_message"].startswith("skipped: "), name + ": " + row["error_message"])
        continue
    # Storms and reads of dirty lines are timed inside a hand-shake, whose CPU time is not theirs.
    shaken = "/storm" in name or "/first_use/" in name or "/read_dirty_" in name
    need(("cpu_ns_per_op" in row) != shaken, name + ": CPU time")
    for key in ("ops", "wall_ns_per_op", "oversubscribed", "real_time", "cpu_time") + (() if shaken else ("cpu_ns_per_op",)):
        need(key in row and math.isfinite(row[key]) and row[key] >= 0, name + ": " + key)
    need(row["time_unit"] == "ns" and math.isclose(row["real_time"], row["wall_ns_per_op"], rel_tol=1e-6), name + ": time")
    if "floor" in row:
        floor = [r["real_time"] for r in rows if r["run_name"] == row["floor"] and r["process"] == row["process"] and not r.get("error_occurred")]
        need(floor and math.isclose(row["ratio_to_floor"], row["real_time"] / statistics.median(floor), rel_tol=1e-3), name + ": ratio_to_floor")
    else:
        need(family in ("floor", "pipeline") or "/read_dirty_" in name, name + ": no floor")
    if family == "pipeline":
        # The window and no less of it than sizing by an earlier repetition can miss; and the start is a small part of it.
        need(row["start_ns"] > 0 and row["batch_ns"] > row["start_ns"], name + ": start")
    if "/increment/" in name:
        need(name.split("/")[1] in claims or row["lost"] >= 0, name + ": lost")
        need(name.split("/")[1] not in claims or row["lost"] == 0, name + ": lost %g" % row["lost"])
medians = [row for row in data["benchmarks"] if row.get("aggregate_name") == "median"]
for row in medians:
    processes = {r["process"] for r in rows if r["run_name"] == row["run_name"] and not r.get("error_occurred")}
    need(row["processes"] == len(processes), row["name"] + ": processes")
    # Fewer than six processes have no interval. (A row may find nothing to measure in one process: nobody waited.)
    if len(processes) < 6:
        need(row["low"] == row["high"] == 0, row["name"] + ": no interval")
        continue
    need(row["low"] <= row["real_time"] <= row["high"], row["name"] + ": interval")
    need("ratio_to_floor" not in row or row["ratio_low"] <= row["ratio_to_floor"] <= row["ratio_high"], row["name"] + ": interval of the ratio")
need(medians and all(row["name"] == row["run_name"] + "_median" and row["run_type"] == "aggregate" for row in medians), "aggregates")
for name in ("floor/load_branch/threads:1", "floor/lock_xadd/threads:1", "counter/naive/increment/threads:2", "initialiser/atomic/get/threads:1",
             "initialiser/atomic/storm/threads:2", "counter/sharded_store/read/threads:1", "counter/sharded_store/read_dirty_8/threads:1",
             "progress/monotone/step/threads:2", "pipeline/mutex+mutex+under_lock/item_1us/threads:2"):
    need(name in names, "no row " + name)
print("\n".join(problems) if problems else "%d repetitions of %d rows are right" % (len(rows), len(names)))
sys.exit(bool(problems))
END
# The counters that claim no_lost_update, by the program's own list.
"$onceproof" list --json - 'counter/*' > "$scratch/list.json" || fail "list"
if command -v /usr/bin/python3 > /dev/null; then
	/usr/bin/python3 -c '
import json, sys
for it in json.load(open(sys.argv[1]))["implementations"]:
    if "no_lost_update" in it["promises"].get("claimed", []):
        print(it["subject"].split("/")[1])' "$scratch/list.json" > "$scratch/claims" || fail "claims"
	[ "$(wc -l < "$scratch/claims")" -ge 5 ] || fail "fewer than five counters claim no_lost_update"
	/usr/bin/python3 "$scratch/check.py" "$scratch/b.json" "$scratch/claims" || fail "rows"
	compare=/usr/share/benchmark/compare.py
	if [ -f $compare ] && /usr/bin/python3 -c 'import scipy' 2> /dev/null; then
		expect 0 "counter/atomic/increment/threads:2" /usr/bin/python3 $compare benchmarks "$scratch/b.json" "$scratch/b.json"
	else
		echo "compare.py or scipy is missing: not tried"
	fi
else
	echo "python3 is missing: the JSON was not read"
fi
grep -q 'skipped: loads before main' "$scratch/rows" "$scratch/b.json" || fail "eager's storm says no reason"

# The command turns it into a report that the report reader takes, and passes Google Benchmark's flags on.
expect 0 "" "$onceproof" bench --quick --threads 1 -q --json "$scratch/report.json" counter/atomic/increment -- \
	"--benchmark_out=$scratch/plain.json" --benchmark_repetitions=2
expect 0 '"schema": "onceproof/1"' cat "$scratch/report.json"
expect 0 "counter/atomic/increment/threads:1_median" cat "$scratch/plain.json"
expect 0 "" "$onceproof" merge "$scratch/report.json" --json "$scratch/merged.json"

# A claim that a row refuted is a broken contract of the report.
sed 's/"run_name": "counter/"broken": "lost 5 of 64 increments", &/' "$scratch/report.json" > "$scratch/refuted.json"
expect 1 "1 broken" "$onceproof" merge "$scratch/refuted.json" --json "$scratch/merged.json"

# Fair locks lose nothing either. Few and short repetitions: on a busy machine every handover waits for a thread that is not running.
expect 0 "counter/mcs/increment/threads:2 " "$bench" --quick --threads 1,2 --json "$scratch/fair.json" counter/ticket/increment \
	counter/mcs/increment -- --benchmark_repetitions=1
for name in ticket mcs; do
	for n in 1 2; do
		grep -A30 "\"name\": \"counter/$name/increment/threads:$n\"" "$scratch/fair.json" | grep -m1 '"lost"' | grep -q '"lost": 0\(\.0*\(e[+]00*\)\?\)\?,\?$' ||
			fail "counter/$name on $n threads: lost increments, or no count of them"
	done
done

# What nothing decides is not printed as if it did: the order is Google Benchmark's own.
expect 0 "drawn anew" "$bench" --quick --threads 1 floor/store
! grep -q seed "$scratch/out" "$scratch/b.json" || fail "a seed that decides nothing"

# A run in the background, as $pid, whose second process measures; its JSON goes to $1.
start_to_second_process()
{
	"$bench" --full --threads 1 --no-table --json "$scratch/$1" 'counter/atomic' -v 2> "$scratch/told" &
	pid=$!
	for (( i = 0; i < 600; i++ )); do
		grep -q '^1: ' "$scratch/told" && return
		sleep 0.1
	done
	fail "no second process in a minute: $(cat "$scratch/told")"
}

# Ctrl-C keeps what was measured and says that it is not all.
start_to_second_process partial.json
kill -INT $pid
wait $pid
[ $? = 3 ] || fail "after Ctrl-C the status is not 3"
grep -q '"partial": "true"' "$scratch/partial.json" || fail "after Ctrl-C the JSON is not marked partial"
grep -q 'floor/load_branch/threads:1"' "$scratch/partial.json" || fail "after Ctrl-C nothing was kept"

# Nobody can read the table: what was measured is kept nevertheless, and the status says that something was not written.
keep=("$bench" --quick --threads 1 --processes 2 --json "$scratch/kept.json" floor/store)
for table in '>/dev/full' '| true' '>&-' '<&- >&-'; do
	[[ $table == *full* && ! -e /dev/full ]] && continue
	rm -f "$scratch/kept.json"
	bash -c "'${keep[0]}' ${keep[*]:1} $table; exit \${PIPESTATUS[0]}" 2> "$scratch/told"
	[ $? = 2 ] || fail "$table: the status is not 2"
	grep -q '"processes": 2' "$scratch/kept.json" || fail "$table: nothing was kept: $(cat "$scratch/told")"
done

# A process that dies costs itself, when others were there before it.
start_to_second_process died.json
kill -KILL $(cat /proc/$pid/task/$pid/children)
wait $pid
[ $? = 3 ] || fail "after a process died the status is not 3"
grep -q '"partial": "true"' "$scratch/died.json" && grep -q '"processes": 1,' "$scratch/died.json" || fail "after a process died nothing was kept"
grep -q 'process 2, .* ended by signal' "$scratch/told" || fail "after a process died nobody says so: $(tail -n 3 "$scratch/told")"

# More threads than there can be: their rows say so, and the others are measured. (An address sanitizer cannot live under this limit.)
limits='ulimit -s 8192 && ulimit -v 1500000'
if bash -c "$limits && '$bench' --list" > /dev/null 2>&1; then
	expect 0 "initialiser/once/storm/threads:250 .*skipped: a thread could not be started" \
		bash -c "$limits && '$bench' --quick --processes 2 --threads 1,250 initialiser/once/storm"
	grep -q '^floor/store/threads:1  *[0-9]' "$scratch/out" || grep -q '^initialiser/once/storm/threads:1  *[0-9]' "$scratch/out" || fail "too many threads: nothing was measured"
fi

# One process is not sure of anything.
expect 0 '[?] expected' "$bench" --quick --threads 1 --processes 1 --json "$scratch/one.json" counter/tally/increment initialiser/once/get
! grep -q '"sure": true' "$scratch/one.json" || fail "one process is sure of a goal"

# Google Benchmark's own filter leaves rows out; nobody had too little time for them, and the others keep their windows.
"$bench" --quick --threads 1 --processes 3 --no-table --json "$scratch/filtered.json" counter/atomic counter/naive -- \
	'--benchmark_filter=counter/atomic/increment/' || fail "--benchmark_filter: $?"
grep -q '"dropped": 0' "$scratch/filtered.json" || fail "what a filter leaves out is told as dropped: $(grep dropped "$scratch/filtered.json")"

# Refusals.
expect 2 "no row matches" "$bench" 'counter/nosuch'
expect 2 "no row matches" "$bench" --quick counter/atomic -- --benchmark_filter=nosuch
expect 2 "not a list of numbers" "$bench" --threads 0
expect 2 "not a list of numbers" "$bench" --threads 1,x
expect 2 "no flag of Google Benchmark" "$bench" counter/atomic -- --nosuch
expect 2 "cannot write" "$bench" --quick --threads 1 --json "$scratch/missing/b.json" floor/store
expect 2 "exclude each other" "$onceproof" bench --quick --full
[ ! -e /dev/full ] || expect 2 "No space left" bash -c "'$bench' --quick --threads 1 floor/store > /dev/full"
exit $failed
