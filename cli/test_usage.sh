#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Misuse of every command ends with status 2, one line on stderr that names the option or file, and nothing on stdout.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
onceproof=${ONCEPROOF:?}
cd "$scratch" || exit 1
unset GTEST_SHARD_INDEX GTEST_TOTAL_SHARDS SLURM_ARRAY_TASK_ID OMPI_COMM_WORLD_RANK JOB_COMPLETION_INDEX

# refuse TEXT ARGUMENT...: it must say TEXT, before anything else.
refuse() {
	refuse_late "$@"
	expect "nothing on stdout" [ ! -s "$scratch/out" ]
}

# The same for what is found out after the seed was printed.
refuse_late() {
	local text=$1
	shift
	run timeout 30 "$onceproof" "$@"
	expect_status 2
	expect_err "$text"
	expect "one line on stderr" [ "$(wc -l <"$scratch/err")" -eq 1 ]
	expect "it starts with the program's name" grep -q '^onceproof: ' "$scratch/err"
	expect "nothing is left behind" [ -z "$(find . -newer out ! -name . ! -name err)" ]
}

# The front door.
run "$onceproof"
expect_status 2
expect_err "Usage:"
run "$onceproof" --version
expect_status 0
expect "a version" grep -qE '^onceproof [0-9]+\.[0-9]+\.[0-9]+$' "$scratch/out"
run "$onceproof" --help
expect_status 0
for command in $(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' "$scratch/out"); do
	[[ $command != test ]] || continue
	run "$onceproof" "$command" --help
	expect_status 0
	expect_out "Usage: onceproof $command"
	run "$onceproof" "$command" --no-such-option
	expect_status 2
	expect_err "--no-such-option"
	for option in --json --junit --seed; do
		run "$onceproof" "$command" $option
		expect_status 2
		expect_err "$option"
	done
	refuse "--seed: 'x'" "$command" --seed x
	refuse "--seed: '-1'" "$command" --seed=-1
	refuse "--seed: '99999999999999999999'" "$command" --seed 99999999999999999999
	refuse "--color: 'red'" "$command" --color red
	refuse "--shard: '0/2'" "$command" --shard 0/2
	refuse "--shard: '3/2'" "$command" --shard 3/2
	refuse "--shard: '1/2x'" "$command" --shard 1/2x
	refuse "--shard: auto" "$command" --shard auto
done
refuse "lst" lst
refuse "./onceproof test" test

# Names: the nearest one is suggested.
refuse "the nearest is 'mutex'" run --counter mutx
refuse "the nearest is 'pthread_once'" run --initialiser pthred_once
refuse "the nearest is 'monotone'" run --progress monoton
refuse "counter/nope" list counter/nope
refuse "match" stress counter/nope
refuse "no row matches 'counter/nope'; \`onceproof bench --list\` shows all" bench counter/nope
refuse "no row matches 'once' (did you mean '*/once*'?);" bench once
refuse "no row matches 'increment' (did you mean '*/*/increment*'?);" bench increment
refuse "no row matches 'counter/tal' (did you mean 'counter/tal*'?), 'nosuch';" bench counter/tal nosuch --quick
refuse "no row matches 'cross' (did you mean 'cross*'?);" bench cross
refuse "match" explore counter/nope
# What is to be written at the end is looked at before anything is measured or compared.
refuse "no goal has a row that matches" bench --goals nosuch
refuse "--list: names only" bench --list --json list.json
refuse "--save: '' is no name" bench --save ""
refuse "--save: '' is no name" bench --save= counter/atomic
refuse "--save: /dev/null/x/y.json: cannot be written: Not a directory; give a path in a folder" bench --save /dev/null/x/y.json
refuse "--save: nowhere/at/all.json: cannot be written: No such file or directory; make the folder first (mkdir -p 'nowhere/at')" bench --save nowhere/at/all.json
refuse "(mkdir -p 'nobody'\\''s')" bench --save "nobody's/all.json"
refuse "--markdown: 'nowhere/all.md': cannot be written: No such file" bench --compare a.json b.json --markdown nowhere/all.md
refuse "--markdown: '': cannot be written: it has no name" bench --compare a.json b.json --markdown ""
refuse "--markdown: '.': cannot be written: Is a directory" bench --compare a.json b.json --markdown .
refuse "--json: '': cannot be written: it has no name" list --json ""
refuse "--strategy" explore --strategy=magic
refuse "--model" explore --model=tso
refuse "--option" explore -o depth
refuse "exclude each other" explore counter/atomic x.c
refuse "FILE.c" explore counter/atomic -- -O2
refuse "FILE.c" explore --arg 1 counter/atomic
if [[ -x ${onceproof%/bin/*}/libexec/onceproof/onceproof-explore ]]; then # not where the harness itself is built with a sanitizer
	refuse "no-such.c" explore no-such.c
fi
refuse "name a witness" replay
refuse "one witness" replay a.json b.json
refuse "no-such.json" replay no-such.json
refuse "--shard" replay --shard 1/2 a.json
refuse "--engine" stress --engine=natve
refuse "--engine" stress --engine=

# Numbers: zero, negative, huge, not a number.
for value in 0 -1 99999999999999999999 x 1x ''; do
	refuse "--workers: '$value'" run "--workers=$value"
	refuse "--repeat: '$value'" run "--repeat=$value"
	refuse "--seconds: '$value'" stress "--seconds=$value"
	refuse "--budget: '$value'" explore "--budget=$value"
	refuse "--jobs: '$value'" explore -j "$value"
	refuse "--time-limit: '$value'" explore "--time-limit=$value"
done
refuse "--seconds: 'nan'" stress --seconds=nan
refuse "--sweep" run --sweep nothing

# An impossible combination: the textbook's telling needs a step, and a counter without steps returns none.
refuse "after_increment" run --counter sharded_store --progress after_increment

# Inputs and outputs.
refuse_late "no-such-manifest" run no-such-manifest
refuse_late "$scratch" run "$scratch"
refuse "merge" merge
refuse "--out" merge other.json
refuse "no-such.json" merge no-such.json --json merged.json
echo '{"schema": "other"}' >other.json
echo '{"schema": ' >cut.json
: >empty.json
touch out
refuse "other.json" merge other.json --json merged.json
refuse "cut.json" merge cut.json --json merged.json
refuse "empty.json" merge empty.json --json merged.json
refuse "/dev/null/x" list --json /dev/null/x
refuse "list" list --junit x.xml
refuse "argument" report surplus

# What cannot be replaced by a finished file is written to: a pipe stays a pipe. A link stays a link.
mkfifo pipe
cat pipe >piped &
run timeout 30 "$onceproof" list --json pipe
expect_status 0
expect "the pipe is still one" [ -p pipe ]
[[ ! -p pipe ]] || wait $!
expect "the list came through it" grep -q '"implementations"' piped
ln -s target.json link.json
echo old >target.json
run "$onceproof" list --json link.json
expect_status 0
expect "the link is still one" [ -L link.json ]
expect "what it points to is new" grep -q '"implementations"' target.json
for sink in list "list --json -"; do
	# shellcheck disable=SC2086 # two words are meant
	"$onceproof" $sink 2>err >/dev/full
	status=$? ran="$sink, to a full device"
	expect_status 2
	expect_err "No space left"
done
# Who reads may have enough: then nothing is complained of.
("$onceproof" bench --list 2>err; echo $? >status) | true
ran="bench --list, to nobody"
expect "no complaint" [ ! -s err ]
finish
