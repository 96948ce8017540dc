# SPDX-License-Identifier: MIT
# Batches of the pipeline: what rows and studies of them share.
target_sources(onceproof_bench PRIVATE batches.cc probe.c nothing.c crossings.cc first_use.cc)
add_executable(test_bench_batches test_batches.cc)
target_link_libraries(test_bench_batches PRIVATE onceproof_bench onceproof_linked_model)
set_target_properties(test_bench_batches PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
add_test(NAME bench_batches COMMAND test_bench_batches)
set_tests_properties(bench_batches PROPERTIES LABELS bench TIMEOUT 120)
