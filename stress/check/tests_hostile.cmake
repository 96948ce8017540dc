# SPDX-License-Identifier: MIT
onceproof_script_test(check_hostile ${CMAKE_CURRENT_SOURCE_DIR}/check/test_hostile.sh LABELS check)
onceproof_script_test(check_hostile_large ${CMAKE_CURRENT_SOURCE_DIR}/check/test_hostile.sh ARGS full LABELS check full TIMEOUT 1200)
onceproof_script_test(check_many ${CMAKE_CURRENT_SOURCE_DIR}/check/test_many.sh ARGS 12 LABELS check)
onceproof_script_test(check_hundred ${CMAKE_CURRENT_SOURCE_DIR}/check/test_many.sh ARGS 100 LABELS check full TIMEOUT 1200)
