#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mpi.sh SHARDS RESULTS ARGUMENT...: `onceproof explore ARGUMENT...` in SHARDS parts, one for each rank of mpirun, then merged into
# RESULTS/whole.json. Options of mpirun itself (--hostfile …) go into MPIRUN_OPTIONS. Exit status: that of the merge.
set -u
[[ $# -ge 3 ]] || { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
shards=$1
export RESULTS=$2 ONCEPROOF=${ONCEPROOF:-onceproof} SEED=${SEED:-1}
shift 2
mkdir -p "$RESULTS" || exit 2

# A rank that fails ends all others: findings (1) and shards, which are never conclusive alone (3), are no failures.
# shellcheck disable=SC2016,SC2086
mpirun ${MPIRUN_OPTIONS:-} -n "$shards" bash -c '
	rank=$OMPI_COMM_WORLD_RANK
	"$ONCEPROOF" explore -q "$@" --seed "$SEED" --shard=auto --witness "$RESULTS/witness-$rank" \
		--checkpoint "$RESULTS/$rank.checkpoint" --resume --json "$RESULTS/$rank.json"
	status=$?
	[[ $status != 1 && $status != 3 ]] || status=0
	exit "$status"' rank "$@"

shopt -s nullglob
"$ONCEPROOF" merge "$RESULTS"/[0-9]*.json --json "$RESULTS/whole.json"
