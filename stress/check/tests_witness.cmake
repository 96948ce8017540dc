# SPDX-License-Identifier: MIT
# Tests made of witnesses: the turnstile is embedded as text.
file(GLOB forced CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/check/forced/*.c)
set_source_files_properties(check/forced_test.c PROPERTIES OBJECT_DEPENDS "${forced}"
	COMPILE_DEFINITIONS "ONCEPROOF_FORCED=\"${CMAKE_CURRENT_SOURCE_DIR}/check/forced\"")
if(NOT ONCEPROOF_SANITIZE)
	foreach(part pairs1 pairs2 pairs3 pairs4 changes kinds)
		onceproof_script_test(check_witness_${part} ${CMAKE_CURRENT_SOURCE_DIR}/check/test_witness.sh ARGS ${part} LABELS check)
	endforeach()
endif()
