# SPDX-License-Identifier: MIT
# Tests made of witnesses: the turnstile is embedded as text.
file(GLOB forced CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/check/forced/*.c)
set_source_files_properties(check/forced_test.c PROPERTIES OBJECT_DEPENDS "${forced}"
	COMPILE_DEFINITIONS "ONCEPROOF_FORCED=\"${CMAKE_CURRENT_SOURCE_DIR}/check/forced\"")
