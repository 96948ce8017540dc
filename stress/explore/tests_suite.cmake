# SPDX-License-Identifier: MIT
# Programs that are explored as a test of the explorer as a whole.
set(suite_correct suite/correct_publication.c suite/correct_locks.c suite/correct_queues.c suite/correct_threads.c)
set(suite_buggy suite/buggy_publication.c suite/buggy_locks.c suite/buggy_queues.c suite/buggy_threads.c)

# Natively, the correct ones are tested themselves; ThreadSanitizer models neither fences nor all of what they use.
if(NOT ONCEPROOF_SANITIZE MATCHES thread)
	onceproof_test(explore_suite_native SOURCES suite/test_native.c ${suite_correct} LINK Threads::Threads LABELS unit)
endif()

if(NOT ONCEPROOF_SANITIZE)
	onceproof_explored(suite_litmus SOURCES suite/litmus.c)
	onceproof_explored(suite_optimality SOURCES suite/optimality.c)
	onceproof_explored(suite_correct SOURCES ${suite_correct})
	# As users' flags may have it.
	foreach(level O0 O2)
		onceproof_explored(suite_correct_${level} SOURCES ${suite_correct})
		target_compile_options(suite_correct_${level} PRIVATE -${level})
	endforeach()
	onceproof_explored(suite_buggy SOURCES ${suite_buggy})
	add_library(suite_host STATIC EXCLUDE_FROM_ALL suite/suite.c suite/axioms.c)
	target_link_libraries(suite_host PUBLIC onceproof_explore)
	onceproof_test(explore_suite_litmus SOURCES suite/test_litmus.c
		LINK suite_litmus suite_host onceproof_explore LABELS explore)
	onceproof_test(explore_suite_optimality SOURCES suite/test_optimality.c
		LINK suite_optimality suite_litmus suite_host onceproof_explore LABELS explore)
	onceproof_test(explore_suite_correct SOURCES suite/test_correct.c
		LINK suite_correct suite_host onceproof_explore LABELS explore TIMEOUT 600)
	foreach(level O0 O2)
		onceproof_test(explore_suite_correct_${level} SOURCES suite/test_correct.c
			LINK suite_correct_${level} suite_host onceproof_explore LABELS explore TIMEOUT 600)
	endforeach()
	onceproof_test(explore_suite_buggy SOURCES suite/test_buggy.c
		LINK suite_buggy suite_host onceproof_explore LABELS explore TIMEOUT 600)
endif()
