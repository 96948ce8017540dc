#!/bin/bash
# SPDX-License-Identifier: MIT
# `onceproof run` from outside: bad input, interruption, two runs into one directory, full disks. Every case ends with one clear line and
# the right exit status, and loses or overwrites nothing.
set -u
work=$(mktemp -d) || exit 2
cd "$work" || exit 2
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
failures=0

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# expect STATUS PATTERN ARGS...: runs with ARGS; one line on stderr that matches PATTERN ("" : no line at all).
expect() {
	local status=$1 pattern=$2
	shift 2
	"$ONCEPROOF" run "$@" >out.txt 2>err.txt </dev/null
	local got=$?
	[ $got -eq "$status" ] || fail "run $*: exit status $got, not $status: $(cat err.txt)"
	if [ -z "$pattern" ]; then
		[ -s err.txt ] && fail "run $*: complained: $(cat err.txt)"
	elif [ "$(wc -l <err.txt)" -ne 1 ] || ! grep -Eq "^onceproof: .*$pattern" err.txt; then
		fail "run $*: not the one line '$pattern': $(cat err.txt)"
	fi
}

correct="-i atomic -c atomic -p channel"
printf 'one\ntwo\nthree\n' >three.txt

# Manifests.
expect 2 'missing.txt: cannot open: No such file' missing.txt
expect 2 'cannot open: Is a directory' .
: >empty.txt
expect 2 'empty.txt: has no items' empty.txt
printf '\n\r\n\n' >blank-lines.txt
expect 2 'has no items' blank-lines.txt
expect 2 'is binary data' "$ONCEPROOF"
head -c 100000000 /dev/zero | tr '\0' 'x' >long.txt
expect 2 'none of its 1 items.*line 1: longer than' long.txt
rm long.txt
printf 'caf\xe9\nna\xefve\n' >latin1.txt
expect 2 'none of its 2 items.*not valid UTF-8' latin1.txt
printf 'one\n\xe9\n  \nfour\n' >mixed.txt
expect 0 'mixed.txt: 2 of 4 items .*first: line 2' $correct --out mixed mixed.txt
grep -q '"item":2,"line":2,"status":"failed","reason":"not valid UTF-8"' mixed/results.jsonl || fail "no reason for line 2"
grep -q '"item":3,"line":3,"status":"failed","reason":"only spaces"' mixed/results.jsonl || fail "no reason for line 3"
[ -f mixed/audio/000001.wav ] && [ -f mixed/audio/000004.wav ] || fail "items beside bad ones are missing"
if [ "$(id -u)" -ne 0 ]; then
	cp three.txt secret.txt && chmod 0 secret.txt
	expect 2 'secret.txt: cannot open: Permission denied' secret.txt
fi
[ -e onceproof-run ] && fail "refused runs left onceproof-run behind: $(find onceproof-run)"

# Options.
for bad in "--workers=0" "--workers=-1" "--workers=99999999999999999999" "--workers=two" "--repeat=0" "--repeat=" "--slots=0" \
	"--model-mib=0" "--model-mib=nan" "--model-mib=-4" "--fail-rate=1.5" "--fail-lines=3,2" "--fail-lines=x" "--fail-lines=0" \
	"--fail-lines=5-3" "--order=random" "--sweep=time"; do
	expect 2 "${bad%%=*}: '.*' " "$bad"
done
expect 0 '' $correct --no-audio --out lists --fail-lines 3 --fail-lines 1-2
grep -q '"failed": 3' lists/summary.json || fail "several --fail-lines: $(grep failed lists/summary.json)"
expect 2 "initialiser 'mutexx'; the nearest is 'mutex'" -i mutexx
expect 2 "counter 'atomik'; the nearest is 'atomic'" -c atomik
expect 2 'progress/under_lock with counter/sharded.*choose one of the counters .*atomic' -p under_lock -c sharded
expect 2 'eager.*before main' -i eager --model-mib 1
expect 2 'eager.*cannot be swept' -i eager --sweep load
expect 2 'a second manifest' three.txt three.txt
expect 2 'exclude one another' --no-files --out x three.txt

# Output.
expect 0 '' $correct --out twice three.txt
before=$(md5sum twice/results.jsonl)
expect 2 'twice: holds the results of an earlier run' $correct --out twice three.txt
[ "$before" = "$(md5sum twice/results.jsonl)" ] || fail "a refused run changed earlier results"
expect 0 '' $correct --out twice --force three.txt
(flock 9 && exec sleep 60) 9<twice &
holder=$!
until ! flock -n twice true; do sleep 0.01; done
expect 2 'twice: another run is writing there' $correct --out twice --force three.txt
kill $holder
wait $holder 2>/dev/null
until flock -n twice true; do sleep 0.01; done
expect 0 '' $correct --out twice --force three.txt
: >file
expect 2 'file: cannot use as output directory' $correct --out file three.txt
expect 2 'file/x: cannot use as output directory: Not a directory' $correct --out file/x three.txt
expect 2 'nowhere/p.jsonl: cannot write progress' $correct --no-files --progress-json nowhere/p.jsonl three.txt
if [ "$(id -u)" -ne 0 ]; then
	mkdir locked && chmod 555 locked
	expect 2 'locked/x: cannot use as output directory' $correct --out locked/x three.txt
fi
# What cannot start replaces nothing and leaves nothing: everything else is opened first.
# unstarted WHAT STATUS PATTERN ENVIRONMENT... -- ARGS...: such a run with --force over earlier results, into a new directory, and of several batches.
files_of() { find "$1" -type f -exec md5sum {} + | sort; }
unstarted() {
	local what=$1 pattern=$2 before
	shift 2
	for how in kept/one kept/new kept/several; do
		before=$(files_of kept; find kept | sort)
		$how_to_run "$ONCEPROOF" run "$@" --out $how --force $([ $how = kept/several ] && echo --repeat 2) three.txt >out.txt 2>err.txt
		local got=$?
		[ $got -eq 2 ] || fail "$what: exit status $got"
		[ "$(wc -l <err.txt)" -eq 1 ] && grep -Eq "^onceproof: .*$pattern" err.txt || fail "$what, $how: not the one line '$pattern': $(cat err.txt)"
		[ -s out.txt ] && fail "$what, $how: announced a run that could not start: $(cat out.txt)"
		# Of a run of several the directory itself may stay, empty.
		[ "$before" = "$(files_of kept; find kept | sort)" ] || fail "$what: $how is not as it was: $(find kept)"
	done
	how_to_run=
}
how_to_run=
expect 0 '' $correct --out kept/one three.txt
expect 0 '' $correct --repeat 3 --out kept/several three.txt
unstarted 'no progress file' 'nowhere/p: cannot write progress' $correct --progress-json nowhere/p
how_to_run="env GLIBC_TUNABLES=glibc.pthread.rseq=0"
unstarted 'no implementation' 'percpu: cannot open' -i atomic -c percpu -p sampler
if (ulimit -v 1000000 && exec "$ONCEPROOF" --version) >/dev/null 2>&1; then
	limited() { (ulimit -v 1000000 && exec "$@"); }
	how_to_run=limited
	unstarted 'no threads' 'cannot start 1000 workers' $correct --workers 1000 --progress-json new-progress
	[ -e new-progress ] && fail "a run that could not start left its progress file"
fi
expect 2 'missing.txt: cannot open: No such file' --force --out kept/one missing.txt
[ -s out.txt ] && fail "a run without a manifest was announced: $(cat out.txt)"
: >foreign-audio && mkdir kept/foreign && : >kept/foreign/audio
expect 2 'kept/foreign/audio: cannot create: Not a directory' $correct --out kept/foreign three.txt
[ "$(find kept/foreign -type f)" = kept/foreign/audio ] || fail "a run that could not make its audio left $(find kept/foreign)"
expect 0 '' $correct --no-audio --out kept/foreign three.txt
# And what can start replaces all of it.
expect 0 '' $correct --force --repeat 2 --out kept/one three.txt
[ "$(ls kept/one)" = "$(printf 'batch-0001\nbatch-0002')" ] || fail "--force --repeat left $(ls kept/one)"
expect 0 '' $correct --force --out kept/several three.txt
[ "$(ls kept/several | xargs)" = "audio log.jsonl results.jsonl summary.json" ] || fail "--force left $(ls kept/several)"

# A reader of the progress that leaves: the items are done and the results whole, in one line and with an exit status.
rm -f fifo && mkfifo fifo
seq 20000 >long-enough.txt
"$ONCEPROOF" run $correct --no-audio --out left --progress-json fifo long-enough.txt >out.txt 2>err.txt &
runner=$!
{ read -r line; read -r line; } <fifo
wait $runner
got=$?
[ $got -eq 2 ] || fail "a reader that left: exit status $got"
[ "$(wc -l <err.txt)" -eq 1 ] && grep -q 'fifo: progress is incomplete: Broken pipe' err.txt || fail "a reader that left: $(cat err.txt)"
[ "$(wc -l <left/results.jsonl)" -eq 20000 ] && grep -q '"partial": false' left/summary.json || fail "a reader that left: results are not whole"

# A failed --json is one line too.
expect 2 "'nowhere/r.json': cannot be written: .*name a file in a folder" $correct --no-files --json nowhere/r.json three.txt
if [ -w /dev/full ]; then
	expect 2 '/dev/full: cannot write the results' $correct --no-files --json /dev/full three.txt
	"$ONCEPROOF" run $correct --no-files --json - three.txt >/dev/full 2>err.txt
	[ $? -eq 2 ] && [ "$(wc -l <err.txt)" -eq 1 ] || fail "--json to a full standard output: $(cat err.txt)"
fi

# Standard input is copied to TMPDIR, without a name.
mkdir spool
seq 3 | TMPDIR=$work/spool "$ONCEPROOF" run $correct --no-files - >out.txt 2>err.txt || fail "TMPDIR: $(cat err.txt)"
[ -z "$(ls spool)" ] || fail "TMPDIR: $(ls spool) was left"
seq 3 | TMPDIR=$work/nowhere "$ONCEPROOF" run $correct --no-files - >out.txt 2>err.txt
[ $? -eq 2 ] && grep -q 'standard input: cannot copy it to a temporary file: No such file.*set TMPDIR' err.txt || fail "TMPDIR: $(cat err.txt)"

# A manifest that changes between the counting of its items and the reading: those that were read are done, and nobody is blamed. The
# progress file is a fifo, and whoever should read it changes the manifest first: the run waits in the midst of its first block, at the
# latest when the fifo is full.
for change in 'seq 5 >>changing.txt' 'echo >changing.txt; seq 3 >changing.txt' 'printf 9 >>changing.txt' ': >changing.txt'; do
	rm -rf fifo changed && mkfifo fifo
	seq 20000 >changing.txt
	"$ONCEPROOF" run $correct --serial --item-cost-ns 0 --out changed --progress-json fifo changing.txt >out.txt 2>err.txt &
	runner=$!
	{
		eval "$change"
		cat >/dev/null
	} <fifo
	wait $runner
	got=$?
	[ $got -eq 2 ] || fail "$change: exit status $got"
	[ "$(wc -l <err.txt)" -eq 1 ] && grep -q 'changing.txt: changed while it was read' err.txt || fail "$change: $(cat err.txt)"
	grep -q BROKEN out.txt && fail "$change: $(cat out.txt)"
	grep -q '"partial": true' changed/summary.json || fail "$change: not marked partial"
done

# A limit on the size of files stands in for a full disk: writes fail on the way, what was done before is kept.
(
	trap '' XFSZ
	ulimit -f 40
	"$ONCEPROOF" run $correct --workers 4 --out full >out.txt 2>err.txt
	echo $? >status.txt
)
[ "$(cat status.txt)" -eq 2 ] || fail "full output: exit status $(cat status.txt)"
grep -q 'full: cannot write: File too large' err.txt || fail "full output: $(cat err.txt)"
[ -f full/results.partial.jsonl ] && [ ! -f full/results.jsonl ] || fail "full output: results are not marked partial"
find full -name '*.part' | grep -q . && fail "full output: half written audio was left"
if [ -w /dev/full ]; then
	"$ONCEPROOF" run $correct --no-files three.txt >/dev/full 2>err.txt
	[ $? -eq 2 ] || fail "full standard output is not an error"
	expect 2 '/dev/full: cannot write|/dev/full: progress is incomplete' $correct --no-files --progress-json /dev/full three.txt
fi

# Fresh directories, and one for each batch.
expect 0 '' $correct three.txt
expect 0 '' $correct three.txt
[ -f onceproof-run/001/results.jsonl ] && [ -f onceproof-run/002/summary.json ] || fail "no fresh numbered directories"
expect 0 '' $correct --repeat 3 --out several three.txt
[ -f several/batch-0003/audio/000003.wav ] || fail "batches have no folders of their own"
expect 2 'several: holds the results' $correct --repeat 2 --out several three.txt
expect 0 '' $correct --repeat 2 --force --out several three.txt
[ ! -e several/batch-0003 ] || fail "--force mixed two runs"

# Standard input, and machine-readable output.
printf 'a\nb\n' | "$ONCEPROOF" run $correct --no-files --seed 7 --json - - >out.json 2>err.txt || fail "standard input: $(cat err.txt)"
python3 - out.json <<'END' || fail "--json"
import json, sys
report = json.load(open(sys.argv[1]))
batch, = report["batches"]
assert report["schema"] == "onceproof/1" and report["seed"] == 7 and report["partial"] is False, report
assert (batch["initialiser"], batch["counter"], batch["progress"], batch["workers"]) == ("atomic", "atomic", "channel", 8), batch
assert batch["items"] == 2 == batch["done"] == batch["counted"] and batch["failed"] == batch["not_started"] == 0, batch
assert batch["models_made"] == 1 and batch["wasted_bytes"] == 0 and batch["as_stated"] is True, batch
assert batch["anomalies"] == {"duplicate": 0, "gap": 0, "backwards": 0, "missing_last": 0}, batch
END

# Interruption: items in flight are finished, the sums add up, what is done is there, and the directory is not locked.
for signal in INT TERM; do
	seq 100000 >many.txt
	# A fifo as progress tells, without a clock, that items are being worked on.
	rm -f fifo && mkfifo fifo
	"$ONCEPROOF" run $correct --out "stop-$signal" --progress-json fifo many.txt >out.txt 2>err.txt &
	runner=$!
	{
		for _ in 1 2 3 4 5; do read -r line; done
		kill -$signal $runner
		cat >/dev/null
	} <fifo
	wait $runner
	got=$?
	[ $got -eq 3 ] || fail "SIG$signal: exit status $got"
	grep -q 'interrupted: [0-9]* of 100000 items are finished, [0-9]* were not started' err.txt || fail "SIG$signal: $(cat err.txt)"
	python3 - "stop-$signal" <<'END' || fail "SIG$signal: what was left does not add up"
import json, os, sys
summary = json.load(open(sys.argv[1] + "/summary.json"))
results = [json.loads(line) for line in open(sys.argv[1] + "/results.partial.jsonl")]
assert summary["partial"] is True and summary["not_started"] > 0, summary
assert summary["items"] == 100000 == summary["done"] + summary["failed"] + summary["not_started"], summary
assert len(results) == summary["done"] == summary["counted"] == len({r["item"] for r in results}), summary
assert sorted(os.listdir(sys.argv[1] + "/audio")) == sorted("%06d.wav" % r["item"] for r in results)
END
done

# A killed run: what is done stays, marked partial, and nothing is locked.
rm -f fifo && mkfifo fifo
"$ONCEPROOF" run $correct --out killed --progress-json fifo many.txt >out.txt 2>err.txt &
runner=$!
{
	for _ in 1 2 3 4 5; do read -r line; done
	kill -KILL $runner
} <fifo
wait $runner 2>/dev/null
[ "$(wc -l <killed/results.partial.jsonl)" -ge 4 ] && [ ! -e killed/results.jsonl ] || fail "killed run: results"
expect 2 'killed: holds the results of an earlier run' $correct --out killed three.txt
expect 0 '' $correct --out killed --force three.txt

# One core is enough.
taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')" "$ONCEPROOF" run $correct --no-files >out.txt 2>err.txt || fail "one core: $(cat err.txt)"

[ $failures -eq 0 ] && echo "all cases as expected"
exit $((failures > 0))
