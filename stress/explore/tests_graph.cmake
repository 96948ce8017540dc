# SPDX-License-Identifier: MIT
# The execution graph, against known litmus tests and against the models' definitions.
set(graph_sources memory.c graph.c graph_psc.c graph_rules.c graph_sc.c graph_tell.c test_programs.c test_oracle.c test_candidates.c)
onceproof_test(explore_graph SOURCES test_graph.c ${graph_sources} LABELS unit TIMEOUT 300)
onceproof_test(explore_litmus SOURCES test_graph_litmus.c ${graph_sources} LABELS unit)
foreach(test test_explore_graph test_explore_litmus)
	target_compile_options(${test} PRIVATE -O2)
endforeach()
