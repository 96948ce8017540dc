# SPDX-License-Identifier: MIT
# Searches on small programs without the runtime; then the driver on real ones.
onceproof_test(explore_search SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_search.c ${CMAKE_CURRENT_LIST_DIR}/test_programs.c
	LINK onceproof_explore LABELS unit explore)
