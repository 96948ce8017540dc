# SPDX-License-Identifier: MIT
# `onceproof check`: see check.h. Included from stress/CMakeLists.txt, behind program.cmake.
file(GLOB check CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/check/*.c)
list(FILTER check EXCLUDE REGEX "/test_[^/]*$")
target_sources(onceproof_stress PRIVATE ${check})
file(GLOB parts CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/check/tests_*.cmake)
foreach(part ${parts})
	include(${part})
endforeach()
