#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples/scale/parallel.sh, under GNU parallel.
. "${ONCEPROOF_SOURCE:?}/examples/scale/common.sh"
needs parallel
# Else it asks for a citation on the first run.
export PARALLEL_HOME=$scratch/parallel
mkdir -p "$PARALLEL_HOME" && touch "$PARALLEL_HOME/will-cite"
whole
run "$scale/parallel.sh" "$shards" "the results" "${explored[@]}"
expect_status 0
expect_err "--shard=auto: shard 3/$shards, by PARALLEL_SEQ=3 (GNU parallel)"
merged "the results"
# Again: everything is in the checkpoints, and they stay as they are.
before=$(cat "the results"/*.checkpoint | sha256sum)
run "$scale/parallel.sh" "$shards" "the results" "${explored[@]}"
expect_status 0
expect "nothing was explored again" test "$before" = "$(cat "the results"/*.checkpoint | sha256sum)"
merged "the results"
lost "the results"
finish
