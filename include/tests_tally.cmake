# SPDX-License-Identifier: MIT
# <onceproof/tally.h>, from C and from C++.
onceproof_test(tally SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/test_tally.c ${CMAKE_CURRENT_SOURCE_DIR}/test_tally_other.c
	LINK Threads::Threads -Wl,--wrap=aligned_alloc,--wrap=free LABELS unit)
target_include_directories(test_tally PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
onceproof_script_test(tally_header ${CMAKE_CURRENT_SOURCE_DIR}/test_header.sh LABELS unit ARGS tally ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})
onceproof_script_test(tally_percpu ${CMAKE_CURRENT_SOURCE_DIR}/test_tally_percpu.sh LABELS unit ARGS ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})
onceproof_script_test(tally_assembly ${CMAKE_CURRENT_SOURCE_DIR}/test_tally_assembly.sh LABELS unit ARGS ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})
onceproof_script_test(tally_explored ${CMAKE_CURRENT_SOURCE_DIR}/test_tally_explored.sh LABELS explore)
onceproof_script_test(tally_example ${PROJECT_SOURCE_DIR}/examples/tally/test_tally_example.sh LABELS unit ARGS ${CMAKE_C_COMPILER} ${CMAKE_CXX_COMPILER})
onceproof_script_test(documents ${PROJECT_SOURCE_DIR}/docs/test_documents.sh LABELS unit)
