# SPDX-License-Identifier: MIT
# The suite of pairs, in two halves that can run at once; `stress/check/suite/suite.sh table` sets other tools beside.
foreach(part 1 2)
	onceproof_script_test(check_suite_${part} ${CMAKE_CURRENT_SOURCE_DIR}/check/suite/suite.sh ARGS test ${part} 2 LABELS check TIMEOUT 600)
endforeach()
