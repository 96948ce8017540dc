# SPDX-License-Identifier: MIT
# Tests of distributions. No time that is measured decides anything in them.
add_executable(test_bench_histogram test_histogram.cc)
target_link_libraries(test_bench_histogram PRIVATE onceproof_bench onceproof_linked_model)
add_executable(test_bench_latency test_latency.cc)
target_link_libraries(test_bench_latency PRIVATE onceproof_bench onceproof_linked_model)
set_target_properties(test_bench_histogram test_bench_latency PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
add_test(NAME bench_histogram COMMAND test_bench_histogram)
add_test(NAME bench_latency COMMAND test_bench_latency)
set_tests_properties(bench_histogram bench_latency PROPERTIES LABELS bench TIMEOUT 120)
