# SPDX-License-Identifier: MIT
onceproof_script_test(check_scenario_files ${CMAKE_CURRENT_SOURCE_DIR}/check/test_scenario_files.sh LABELS check)
onceproof_script_test(check_implementations ${CMAKE_CURRENT_SOURCE_DIR}/check/test_implementations.sh LABELS check)
