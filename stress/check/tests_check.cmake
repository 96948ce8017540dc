# SPDX-License-Identifier: MIT
onceproof_script_test(check ${CMAKE_CURRENT_SOURCE_DIR}/check/test_check.sh LABELS check)
