# SPDX-License-Identifier: MIT
# Tests of the statistics, and of saving and comparing results.
add_executable(test_bench_statistics test_statistics.cc statistics.cc ../reports/sample.c)
set_target_properties(test_bench_statistics PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
add_test(NAME bench_statistics COMMAND test_bench_statistics)
set_tests_properties(bench_statistics PROPERTIES LABELS bench TIMEOUT 60)

add_executable(test_bench_compare test_compare.cc statistics.cc ../reports/sample.c names.cc compare.cc)
target_link_libraries(test_bench_compare PRIVATE PkgConfig::JANSSON)
set_target_properties(test_bench_compare PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
add_test(NAME bench_compare_drawn COMMAND test_bench_compare)
set_tests_properties(bench_compare_drawn PROPERTIES LABELS bench TIMEOUT 120)
if(NOT ONCEPROOF_SANITIZE MATCHES "thread") # there a row takes more than its share of the time, and is left out of some processes
	onceproof_script_test(bench_compare ${CMAKE_CURRENT_SOURCE_DIR}/test_compare.sh LABELS bench
		ARGS $<TARGET_FILE:onceproof-bench> $<TARGET_FILE:onceproof> $<TARGET_FILE:test_bench_compare>)
endif()
onceproof_script_test(bench_compare_power ${CMAKE_CURRENT_SOURCE_DIR}/test_compare_power.sh LABELS full TIMEOUT 1800 ARGS $<TARGET_FILE:onceproof>)
