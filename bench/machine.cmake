# SPDX-License-Identifier: MIT
# The machine, measured; what implementations weigh; and the tests of both.
target_sources(onceproof_bench PRIVATE machine_facts.cc machine_costs.cc machine_pairs.cc machine_watch.cc machine_study.cc
	machine_loops.c perf.cc)
