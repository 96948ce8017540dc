#!/bin/bash
# SPDX-License-Identifier: MIT
# Rates over many batches: what the broken choices do, and what the correct ones never do. N batches for the correct ones.
set -u
batches=$1
result=$(mktemp) || exit 2
trap 'rm -f "$result"' EXIT
failures=0

# rates NAME BATCHES PYTHON-CONDITION ARGS...
rates() {
	local name=$1 n=$2 condition=$3
	shift 3
	"$ONCEPROOF" run --no-files --repeat "$n" --seed 1 --json "$result" -q "$@" >/dev/null || { echo "FAILED: $name: exit status $?"; failures=1; return; }
	python3 - "$result" "$name" "$condition" <<'END' || failures=1
import json, sys
batches = json.load(open(sys.argv[1]))["batches"]
def share(test):
	return sum(1 for b in batches if test(b)) / len(batches)
seen = {
	"doubled": share(lambda b: b["models_made"] > 1), "one": share(lambda b: b["models_made"] == 1),
	"wrong": share(lambda b: b["counted"] != b["done"] + b["failed"]), "stated": share(lambda b: b["as_stated"]),
	"audio": len({b["audio_print"] for b in batches}),
}
for kind in ("duplicate", "gap", "backwards", "missing_last"):
	seen[kind] = share(lambda b: b["anomalies"][kind] > 0)
ok = eval(sys.argv[3], seen)
print("%s: %s: %s" % ("ok" if ok else "FAILED", sys.argv[2], {k: v for k, v in seen.items() if k != "__builtins__"}))
sys.exit(not ok)
END
}

rates "naive initialiser" 10 'doubled >= 0.9' -i naive -c atomic -p channel
# Two steps meet between counting and telling only now and then: many short items show it.
short="--items 20000 --item-cost-ns 1000"
for progress in plain_global after_increment; do
	rates "$progress" 100 'backwards + duplicate + gap + missing_last > 0 and stated == 1' -i atomic -c atomic -p $progress $short
done
never='gap == 0 and one == 1 and stated == 1 and wrong == 0 and backwards == 0 and duplicate == 0 and missing_last == 0 and audio == 1'
rates "channel, short items" "$batches" "$never" -i atomic -c atomic -p channel $short
rates "monotone, short items" "$batches" "$never" -i atomic -c atomic -p monotone $short
rates "mutex, channel" "$batches" "$never" -i mutex -c atomic -p channel
rates "atomic, monotone" "$batches" "$never" -i atomic -c atomic -p monotone
rates "pthread_once, under_lock" "$batches" "$never" -i pthread_once -c mutex -p under_lock
rates "futex, channel" "$batches" "$never" -i futex -c cas_loop -p channel
exit $failures
