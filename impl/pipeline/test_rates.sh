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

# The shipped manifest, eight workers, everything else as it comes.
rates "naive initialiser" 10 'doubled >= 0.9' --workers 8 -i naive -c atomic -p channel
# Two steps meet between counting and telling only now and then: many short items show it.
short="--item-cost-ns 1000 --items"
for progress in plain_global after_increment; do
	rates "$progress" 100 'backwards + duplicate + gap + missing_last > 0 and stated == 1' -i atomic -c atomic -p $progress $short 20000
done
never='gap == 0 and one == 1 and stated == 1 and wrong == 0 and backwards == 0 and duplicate == 0 and missing_last == 0 and audio == 1'
for progress in channel monotone under_lock; do
	rates "$progress, short items" "$batches" "$never" -i atomic -c atomic -p $progress $short 2000
done
# Every initialiser that claims exactly_once, on a model that is loaded in the time of a few items; the counters and progresses that claim
# to be exact take turns.
names=$("$ONCEPROOF" list --json - | python3 -c '
import itertools, json, sys
def those(family, *claims):
	return [i["subject"].split("/")[1] for i in listed if i["subject"].startswith(family) and set(claims) <= set(i["promises"]["claimed"])]
listed = json.load(sys.stdin)["implementations"]
counters = itertools.cycle(those("counter/", "no_lost_update", "unique_steps", "monotone_value", "exact_at_rest", "race_free"))
progresses = itertools.cycle(those("progress/", "never_backwards", "no_duplicates", "no_gaps", "last_is_total", "race_free"))
for name in those("initialiser/", "exactly_once"):
	print(name, next(counters), next(progresses))') || exit 1
covered=0
while read -r initialiser counter progress; do
	size="--model-mib 0.25"
	[ "$initialiser" = eager ] && size= # its model has its size before any option is read
	rates "$initialiser, $counter, $progress" "$batches" "$never" --workers 8 -i "$initialiser" -c "$counter" -p "$progress" $size </dev/null
	covered=$((covered + 1))
done <<<"$names"
[ $covered -ge 8 ] || { echo "FAILED: only $covered initialisers claim exactly_once"; failures=1; }
exit $failures
