#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# parallel.sh SHARDS RESULTS ARGUMENT...: `onceproof explore ARGUMENT...` in SHARDS parts under GNU parallel, then merged into
# RESULTS/whole.json. Options of parallel itself (--sshloginfile, --jobs) go into PARALLEL. Exit status: that of the merge.
set -u
[[ $# -ge 3 ]] || { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
shards=$1 results=$2
shift 2
onceproof=${ONCEPROOF:-onceproof}
mkdir -p "$results" || exit 2

# GNU parallel numbers its jobs (PARALLEL_SEQ), but tells them no total.
export ONCEPROOF_SHARDS=$shards
seq "$shards" | parallel --quote --line-buffer "$onceproof" explore -q "$@" --seed "${SEED:-1}" --shard=auto \
	--witness "$results/witness-{}" --checkpoint "$results/{}.checkpoint" --resume --json "$results/{}.json"

# Whatever became of the shards: merge names what is missing.
shopt -s nullglob
"$onceproof" merge "$results"/[0-9]*.json --json "$results/whole.json"
