# SPDX-License-Identifier: MIT
# Batches of the pipeline: what rows and studies of them share.
target_sources(onceproof_bench PRIVATE batches.cc probe.c nothing.c crossings.cc first_use.cc)
