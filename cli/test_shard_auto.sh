#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# --shard=auto: which scheduler's variables say what, which of two is taken, what is refused.
# shellcheck source=cmake/check.sh
. "$ONCEPROOF_SOURCE/cmake/check.sh"
cd "$scratch" || exit 1

# Variables of the machine that runs this test are none of its business.
mapfile -t stray < <(compgen -e | grep -E '^(SLURM|OMPI|MV2|PMI|PMIX|JOB_|TEST_|GTEST_|CI_|CIRCLE_|BUILDKITE_|PARALLEL|ONCEPROOF_SHARD)')
for name in "${stray[@]}"; do unset "$name"; done

# auto VARIABLE=VALUE...: what the command makes of them.
auto() {
	run env "$@" "$ONCEPROOF" stress counter/mutex/two_increments --engine=native --effort=0.001 --seed=1 --shard=auto --json r.json -q
}

# gives I/N WHO VARIABLE=VALUE...
gives() {
	local shard=$1 who=$2
	shift 2
	rm -f r.json
	auto "$@"
	expect_status 0
	expect_err "--shard=auto: shard $shard, by $who"
	expect "the report says $shard" test "$(jq -r .shard r.json)" = "$shard"
}

# refuses WORDS VARIABLE=VALUE...
refuses() {
	local words=$1
	shift
	auto "$@"
	expect_status 2
	expect_err "$words"
	expect "one line" test "$(wc -l <err)" = 1
}

gives 3/8 SLURM_ARRAY_TASK_ID SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=8
gives 1/4 SLURM_ARRAY_TASK_ID SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=3
gives 3/4 SLURM_ARRAY_TASK_ID SLURM_ARRAY_TASK_ID=20 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_MAX=25 \
	SLURM_ARRAY_TASK_STEP=5
gives 2/4 SLURM_PROCID SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=4 SLURM_NTASKS=4
gives 4/4 OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4
gives 4/4 MV2_COMM_WORLD_RANK MV2_COMM_WORLD_RANK=3 MV2_COMM_WORLD_SIZE=4
gives 1/4 PMI_RANK PMI_RANK=0 PMI_SIZE=4
gives 2/3 PMIX_RANK PMIX_RANK=1 ONCEPROOF_SHARDS=3
gives 2/3 JOB_COMPLETION_INDEX JOB_COMPLETION_INDEX=1 ONCEPROOF_SHARDS=3
gives 2/3 PARALLEL_SEQ PARALLEL_SEQ=2 ONCEPROOF_SHARDS=3
gives 2/3 ONCEPROOF_SHARD ONCEPROOF_SHARD=2 ONCEPROOF_SHARDS=3
gives 2/3 GTEST_SHARD_INDEX GTEST_SHARD_INDEX=1 GTEST_TOTAL_SHARDS=3
gives 2/3 CI_NODE_INDEX CI_NODE_INDEX=2 CI_NODE_TOTAL=3
gives 2/3 CIRCLE_NODE_INDEX CIRCLE_NODE_INDEX=1 CIRCLE_NODE_TOTAL=3
gives 2/3 BUILDKITE_PARALLEL_JOB BUILDKITE_PARALLEL_JOB=1 BUILDKITE_PARALLEL_JOB_COUNT=3
gives 2/3 TEST_SHARD_INDEX TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=3 TEST_SHARD_STATUS_FILE="$scratch/status"
expect "Bazel's file is touched" test -e status
refuses "TEST_SHARD_STATUS_FILE" TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=3 TEST_SHARD_STATUS_FILE=/proc/nothing/x

# Several at once. One that divides nothing says nothing; mpirun's own helpers are a step; what agrees, agrees; else nobody is guessed.
gives 5/8 SLURM_ARRAY_TASK_ID SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_COUNT=8 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1 CI_NODE_TOTAL=1 \
	CI_NODE_INDEX=1
gives 3/4 OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2
gives 2/3 TEST_SHARD_INDEX TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=3 GTEST_SHARD_INDEX=1 GTEST_TOTAL_SHARDS=3
gives 7/9 ONCEPROOF_SHARD ONCEPROOF_SHARD=7 ONCEPROOF_SHARDS=9 SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=8 CI_NODE_INDEX=1 CI_NODE_TOTAL=2
refuses "OMPI_COMM_WORLD_RANK says 3/4 (a rank of Open MPI) and SLURM_ARRAY_TASK_ID says 2/8" OMPI_COMM_WORLD_RANK=2 \
	OMPI_COMM_WORLD_SIZE=4 SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=8
refuses "which one?" PARALLEL_SEQ=1 ONCEPROOF_SHARDS=4 CI_NODE_INDEX=1 CI_NODE_TOTAL=2

# Nobody, half of it, and rubbish.
refuses "give --shard=I/N"
refuses "set ONCEPROOF_SHARDS to their number" PARALLEL_SEQ=1
refuses "set ONCEPROOF_SHARDS to their number" JOB_COMPLETION_INDEX=0
refuses "OMPI_COMM_WORLD_SIZE is not" OMPI_COMM_WORLD_RANK=1
refuses "SLURM_ARRAY_TASK_ID: 'x'" SLURM_ARRAY_TASK_ID=x SLURM_ARRAY_TASK_COUNT=8
refuses "SLURM_ARRAY_TASK_COUNT: '0'" SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=0
refuses "an array with gaps" SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=9
refuses "an array with gaps" SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=9
refuses "OMPI_COMM_WORLD_RANK: '4' is not a whole number from 0 to 3" OMPI_COMM_WORLD_RANK=4 OMPI_COMM_WORLD_SIZE=4
refuses "OMPI_COMM_WORLD_RANK: '-1'" OMPI_COMM_WORLD_RANK=-1 OMPI_COMM_WORLD_SIZE=4
refuses "CI_NODE_INDEX: '0' is not a whole number from 1 to 3" CI_NODE_INDEX=0 CI_NODE_TOTAL=3
refuses "PMI_SIZE: '99999999999999999999'" PMI_RANK=0 PMI_SIZE=99999999999999999999
finish
