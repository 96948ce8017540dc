#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The engines through the front door: verdicts, source lines, exit statuses, JSON. ONCEPROOF names the program.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

# A race is reported with the very line that races, and a broken implementation behaves as stated.
"$ONCEPROOF" stress 'counter/naive/two_increments' --engine=tsan,native --seed=1 --json="$work/naive.json" -q || fail "naive: exit status $?"
line=$(grep -n 'return ++c->value;' "$ONCEPROOF_SOURCE/impl/counter/10_naive.c" | cut -d: -f1)
if jq -e '.results[] | select(.engine == "tsan" and .verdict == "skipped")' "$work/naive.json" >"$work/skipped"; then
	jq -r .evidence "$work/skipped"
else
	jq -e --argjson line "$line" '[.results[] | select(.engine == "tsan") | select(.verdict == "bug" and .as_expected == true)
		| .findings[] | select(.kind == "data-race" and (.refutes | index("race_free"))) | .locations[]
		| select(.file == "impl/counter/10_naive.c" and .line == $line and .function == "counter_increment")] | length >= 2' \
		"$work/naive.json" >/dev/null || fail "tsan does not name impl/counter/10_naive.c:$line twice"
fi
jq -e '.results[] | select(.engine == "native") | .executions == 2000000' "$work/naive.json" >/dev/null || fail "not two million executions"
# Threads that take turns on one CPU hardly ever meet in the middle of an increment.
if [ "$(nproc)" -gt 1 ]; then
	jq -e '.results[] | select(.engine == "native") | .verdict == "bug" and (.outcomes[1].count > 0)' "$work/naive.json" >/dev/null ||
		fail "native saw no lost update in two million executions"
fi
jq -e '[.contracts[] | select(.promise == "no_lost_update")] == [.contracts[] | select(.status == "unshown" and (.seen | length) >= 1 and .promise == "no_lost_update")]' \
	"$work/naive.json" >/dev/null || fail "luck must not count as evidence for a missing promise"

# The fix stays green, and its promises count as upheld.
"$ONCEPROOF" stress 'counter/atomic/two_increments' --engine=native,tsan --effort=0.1 --seed=1 --json="$work/atomic.json" -q || fail "atomic: exit status $?"
jq -e '[.results[].verdict] - ["not-found", "skipped"] == []' "$work/atomic.json" >/dev/null || fail "atomic is accused"
jq -e '.contracts[] | select(.promise == "no_lost_update") | .status == "upheld"' "$work/atomic.json" >/dev/null || fail "atomic: not upheld"

# A forced order shows the double load every time, and the loader that waits shows it never.
"$ONCEPROOF" stress 'initialiser/naive/suspended_load' --engine=sequential --json="$work/forced.json" -q || fail "forced: exit status $?"
jq -e '.contracts[] | select(.promise == "exactly_once") | .status == "refuted" and .by == "sequential suspended_load" and .broken == false' \
	"$work/forced.json" >/dev/null || fail "the forced order does not refute exactly_once"

# An engine that is blind to a feature upholds no race_free for it, also where it saw an outcome.
"$ONCEPROOF" stress 'initialiser/call_once' --engine=tsan,native --effort=0.02 --json="$work/blind.json" -q || fail "blind: exit status $?"
jq -e '.contracts[] | select(.promise == "race_free") | .status == "unshown"' "$work/blind.json" >/dev/null || fail "a blind engine upholds race_free"

# JSON on stdout is alone there; a filter that matches nothing and an unknown engine are misuse.
"$ONCEPROOF" stress 'counter/atomic/two_increments' --engine=native --effort=0.01 --json=- 2>"$work/err" | jq -e '.schema == "onceproof/1"' >/dev/null || fail "--json=-"
status=0; "$ONCEPROOF" stress 'nothing/*' 2>"$work/err" || status=$?
[ "$status" = 2 ] && grep -q '^onceproof: stress: no implementation' "$work/err" || fail "filter without match: $status"
status=0; "$ONCEPROOF" stress --engine=magic 2>"$work/err" || status=$?
[ "$status" = 2 ] && grep -q "no engine 'magic'" "$work/err" || fail "unknown engine: $status"

# Shards share the work without overlap.
for i in 1 2 3; do "$ONCEPROOF" stress 'counter/*/two_increments' --engine=native --effort=0.001 --shard=$i/3 --json="$work/shard$i.json" -q; done
"$ONCEPROOF" stress 'counter/*/two_increments' --engine=native --effort=0.001 --json="$work/whole.json" -q
diff <(jq -r '.results[].subject' "$work"/shard?.json | sort) <(jq -r '.results[].subject' "$work/whole.json" | sort) || fail "shards"

# A time limit only stops: then nothing is claimed.
status=0; "$ONCEPROOF" stress 'counter/atomic/*' --engine=native --effort=100 --seconds=0.2 --json="$work/late.json" -q || status=$?
[ "$status" = 3 ] || fail "a stopped run exits with $status, not 3"
jq -e '[.results[] | select(.verdict == "inconclusive")] | length > 0' "$work/late.json" >/dev/null || fail "no inconclusive result"

# Ctrl-C keeps what was measured, once there is something, and leaves no worker behind.
seed=$$$RANDOM
"$ONCEPROOF" stress 'counter/*' --engine=native --effort=20 --seed=$seed --json="$work/cut.json" >"$work/out" 2>"$work/err" & pid=$!
until [ -s "$work/out" ]; do kill -0 $pid || fail "ended before the interrupt"; sleep 0.05; done
kill -INT $pid
status=0; wait $pid || status=$?
[ "$status" = 3 ] && jq -e '.partial == true and (.results | length > 0)' "$work/cut.json" >/dev/null || fail "interrupt: status $status"
pgrep -f -- "onceproof-worker .*--seed=$seed" && fail "a worker is left"

# A full disk: one line, the right status, the earlier file untouched.
cp "$work/naive.json" "$work/keep.json"
status=0; "$ONCEPROOF" stress 'counter/atomic/two_increments' --engine=native --effort=0.01 -q --json=/dev/full 2>"$work/err" || status=$?
[ "$status" = 2 ] || fail "full disk: exit status $status"
# Nor may what goes to stdout be lost in silence, whichever way the program ends.
for words in "stress counter/atomic/two_increments --engine=native --effort=0.01" "run --help" "--version"; do
	# shellcheck disable=SC2086
	status=0; "$ONCEPROOF" $words >/dev/full 2>"$work/err" || status=$?
	[ "$status" = 2 ] && grep -q '^onceproof: stdout: cannot be written' "$work/err" || fail "$words: a full stdout exits with $status"
done
echo "all engine checks passed"
