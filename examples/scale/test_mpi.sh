#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples/scale/mpi.sh, under Open MPI on this machine.
. "${ONCEPROOF_SOURCE:?}/examples/scale/common.sh"
needs mpirun
# More ranks than processors, no network, and no objection to root where the test runs as that (containers).
export MPIRUN_OPTIONS="--oversubscribe --mca btl self --mca plm_rsh_agent false --mca oob_tcp_if_include lo"
[[ $EUID -ne 0 ]] || MPIRUN_OPTIONS+=" --allow-run-as-root"
export TMPDIR=$scratch
whole
run "$scale/mpi.sh" "$shards" results "${explored[@]}"
expect_status 0
expect_err "--shard=auto: shard 3/$shards, by OMPI_COMM_WORLD_RANK=2 (a rank of Open MPI)"
merged results
lost results
finish
