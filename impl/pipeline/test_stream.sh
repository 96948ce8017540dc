#!/bin/bash
# SPDX-License-Identifier: MIT
# ITEMS items stream through `run`: memory does not grow with their number, and every one has its result.
set -u
items=$1
work=$(mktemp -d) || exit 2
cd "$work" || exit 2
trap 'rm -rf "$work"' EXIT

# peak N ORDER: peak memory in KiB of a run over N items from standard input, results in files.
peak() {
	seq -f 'i%.0f' "$1" >items.txt
	python3 - "$ONCEPROOF" "$2" <<'END'
import resource, subprocess, sys
status = subprocess.run([sys.argv[1], "run", "-", "-i", "atomic", "-c", "sharded", "-p", "sampler", "--no-audio", "--force", "--out", "run",
	"--order", sys.argv[2], "--model-mib", "0.00390625"], stdin=open("items.txt"), stdout=subprocess.DEVNULL).returncode
if status:
	sys.exit("exit status %d" % status)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END
}

for order in completion submission; do
	small=$(peak 1000 $order) || exit 1
	large=$(peak "$items" $order) || exit 1
	echo "$order: 1000 items: $small KiB, $items items: $large KiB"
	# A page table or two may differ; a byte for each item may not.
	[ "$large" -le $((small + 2048 )) ] || { echo "memory grows with the number of items"; exit 1; }
	[ "$large" -lt 65536 ] || { echo "more than 64 MiB"; exit 1; }
	[ "$(wc -l <run/results.jsonl)" -eq "$items" ] || { echo "results are missing"; exit 1; }
	[ "$(grep -c '"status":"done"' run/results.jsonl)" -eq "$items" ] || { echo "items failed"; exit 1; }
done
