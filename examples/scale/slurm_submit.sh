#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# slurm_submit.sh SHARDS RESULTS ARGUMENT...: `onceproof explore ARGUMENT...` as a Slurm array of SHARDS tasks, and a job behind it that merges
# them into RESULTS/whole.json. RESULTS is a folder that all nodes share. Prints the numbers of both jobs. Options of sbatch itself (-p, -t)
# go into its own variables, SBATCH_PARTITION and so on.
set -eu
[[ $# -ge 3 ]] || { sed -n '3,5s/^# //p' "$0" >&2; exit 2; }
here=$(dirname "$(readlink -f "$0")")
shards=$1 results=$2
shift 2
mkdir -p "$results"
results=$(readlink -f "$results")
array=$(sbatch --parsable --array="1-$shards" --output="$results/%a.log" "$here/slurm_shards.sbatch" "$results" "$@")
array=${array%%;*}
# Not afterok: a lost shard is named by the merge.
merge=$(sbatch --parsable --dependency="afterany:$array" --output="$results/merge.log" "$here/slurm_merge.sbatch" "$results")
echo "$array ${merge%%;*}"
