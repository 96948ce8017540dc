#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `onceproof merge` on real shards: nothing is lost, nothing is overwritten, bad files are refused with one line each.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail()
{
	echo "FAILED: $*" >&2
	exit 1
}

# runs STATUS COMMAND...: the exit status must be STATUS.
runs()
{
	local wanted=$1 got=0
	shift
	"$@" >out 2>err || got=$?
	[ "$got" = "$wanted" ] || fail "exit status $got instead of $wanted: $* ($(cat err))"
}

for shard in 1 2; do
	runs 0 "$ONCEPROOF" stress 'counter/atomic/two_increments' 'counter/naive/two_increments' --engine=native --effort=0.01 --seed=5 \
		--shard=$shard/2 --json=$shard.json -q
done
before=$(cat 1.json 2.json | sha256sum)

runs 0 "$ONCEPROOF" merge 1.json 2.json --out=whole/of/it
for file in results.json results.sarif index.html summary.md junit.xml; do
	[ -s "whole/of/it/$file" ] || fail "no $file"
done
for subject in counter/atomic counter/naive; do
	grep -q "\"subject\": \"$subject\"" whole/of/it/results.json || fail "$subject was lost"
done
[ "$(ls whole/of/it | wc -l)" = 5 ] || fail "something else was left: $(ls whole/of/it)"

# A merged report can be merged; stdout holds JSON and nothing else.
runs 0 "$ONCEPROOF" merge whole/of/it/results.json --json=-
[ "$(head -c1 out)" = "{" ] || fail "stdout is not JSON alone"
[ ! -s err ] || fail "words on stderr: $(cat err)"

# An input is never written over, by whatever name it goes.
ln 1.json other-name.json
mkdir taken && cp 2.json taken/results.json
runs 2 "$ONCEPROOF" merge 1.json 2.json --json=other-name.json
runs 2 "$ONCEPROOF" merge 1.json taken/results.json --out=taken
[ "$before" = "$(cat 1.json 2.json | sha256sum)" ] || fail "an input changed"

# Bad input: exit 2 and one line for each bad file; nothing is written.
echo '{"schema": "onceproof/9"}' >new.json
echo 'rubbish' >rubbish.json
runs 2 "$ONCEPROOF" merge 1.json new.json rubbish.json missing.json --out=never
[ "$(wc -l <err)" = 3 ] || fail "not one line per bad file: $(cat err)"
[ ! -e never ] || fail "wrote a report although files were bad"
runs 2 "$ONCEPROOF" merge --out=never
runs 2 "$ONCEPROOF" merge 1.json
runs 2 "$ONCEPROOF" merge 1.json --out=1.json
runs 2 "$ONCEPROOF" merge 1.json --json=/dev/null/x

# A contract that one shard refutes fails the whole; a partial shard makes it inconclusive.
sed 's/"status": "upheld"/"status": "refuted"/' 1.json >refuted.json
sed 's/"status": "upheld"/"status": "refuted"/' 2.json >refuted2.json
runs 1 "$ONCEPROOF" merge refuted.json refuted2.json --json=broken.json
sed 's/"partial": false/"partial": true/' 2.json >partial.json
runs 3 "$ONCEPROOF" merge 1.json partial.json --json=partial-whole.json

# A lost shard is named, and the whole is partial; with it, nothing is missing any more.
runs 3 "$ONCEPROOF" merge 1.json --out=hole
grep -q 'missing shards: 2/2' err || fail "the lost shard is not named: $(cat err)"
grep -q '"partial": true' hole/results.json || fail "a report with a hole is not partial"
grep -q 'missing shards:</b> 2/2' hole/index.html || fail "the page does not name the lost shard"
grep -q 'missing shards:.* 2/2' hole/summary.md || fail "the summary does not name the lost shard"
runs 0 "$ONCEPROOF" merge hole/results.json 2.json --json=filled.json
! grep -q '"shard' filled.json || fail "a complete set still speaks of shards"

# Inconclusive results stay inconclusive.
sed 's/"verdict": "not-found"/"verdict": "inconclusive"/; s/"as_expected": true/"as_expected": null/' 1.json >open.json
! cmp -s 1.json open.json || fail "there was nothing to make inconclusive"
sed 's/"verdict": "not-found"/"verdict": "inconclusive"/; s/"as_expected": true/"as_expected": null/' 2.json >open2.json
runs 3 "$ONCEPROOF" merge open.json open2.json --json=open-whole.json
