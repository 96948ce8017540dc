# SPDX-License-Identifier: MIT
# The machine, measured; what implementations weigh; and the tests of both.
target_sources(onceproof_bench PRIVATE machine_facts.cc machine_costs.cc machine_pairs.cc machine_watch.cc machine_study.cc
	machine_loops.c perf.cc sizes.cc code.cc)
target_link_libraries(onceproof_bench PRIVATE elf) # comes with libdw

foreach(name machine sizes)
	add_executable(test_bench_${name} test_${name}.cc)
	target_link_libraries(test_bench_${name} PRIVATE onceproof_bench onceproof_linked_model)
	set_target_properties(test_bench_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
	add_test(NAME bench_${name} COMMAND test_bench_${name})
	set_tests_properties(bench_${name} PROPERTIES LABELS bench TIMEOUT 120)
endforeach()
onceproof_script_test(bench_quota ${CMAKE_CURRENT_SOURCE_DIR}/test_quota.sh LABELS bench ARGS $<TARGET_FILE:test_bench_machine>)
