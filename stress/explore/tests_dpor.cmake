# SPDX-License-Identifier: MIT
# The exhaustive search on small programs without the runtime: exact numbers, and the same graphs as brute force.
onceproof_test(explore_dpor SOURCES test_dpor.c test_small.c test_programs.c search_dpor.c dpor_items.c dpor_revisit.c dpor_share.c dpor_symmetry.c search_state.c memory.c graph.c
	graph_psc.c graph_rules.c graph_sc.c graph_tell.c LABELS unit TIMEOUT 300)
target_compile_options(test_explore_dpor PRIVATE -O2)
