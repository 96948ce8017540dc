# SPDX-License-Identifier: MIT
# Searches on small programs without the runtime; then the driver on real ones.
if(NOT ONCEPROOF_SANITIZE MATCHES "thread")
	# The explorer is ThreadSanitizer's runtime to those who link it; it cannot be instrumented by the real one.
	onceproof_test(explore_search SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_search.c ${CMAKE_CURRENT_LIST_DIR}/test_programs.c
		LINK onceproof_explore LABELS unit explore)
endif()
if(NOT ONCEPROOF_SANITIZE)
	onceproof_explored(explore_test_programs SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_explore_programs.c)
	onceproof_test(explore_driver SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_explore.c LINK explore_test_programs onceproof_explore
		LABELS explore)
endif()
