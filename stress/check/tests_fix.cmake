# SPDX-License-Identifier: MIT
# Verified changes.
onceproof_script_test(check_fix ${CMAKE_CURRENT_SOURCE_DIR}/check/test_fix.sh LABELS check)
