# SPDX-License-Identifier: MIT
# Parts of the C++ library made for explored programs: libexec/onceproof/explore_cxx.a, linked by program_cxx.c. See explore/cxx/runtime.h.
target_sources(onceproof_stress PRIVATE program_cxx.c demangle.c)
# __cxa_demangle, and nothing else of it: no shared library is needed for that.
target_link_libraries(onceproof_stress PUBLIC -l:libsupc++.a)
if(ONCEPROOF_SANITIZE)
	return()
endif()
set(helpers ${PROJECT_BINARY_DIR}/libexec/onceproof)
file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/explore/cxx/plain/*.cc)
add_library(onceproof_cxx_plain OBJECT ${files})
file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/explore/cxx/instrumented/*.cc)
add_library(onceproof_cxx_instrumented OBJECT ${files})
target_compile_options(onceproof_cxx_instrumented PRIVATE ${ONCEPROOF_EXPLORED_OPTIONS} -g0)
foreach(part plain instrumented)
	target_compile_options(onceproof_cxx_${part} PRIVATE -U_FORTIFY_SOURCE -ffunction-sections -fdata-sections -mno-red-zone
		"$<$<CXX_COMPILER_ID:Clang>:-Wno-unused-command-line-argument>")
endforeach()
add_custom_command(OUTPUT ${helpers}/explore_cxx.a
	COMMAND ${CMAKE_COMMAND} -E rm -f ${helpers}/explore_cxx.a
	COMMAND ${CMAKE_AR} rcs ${helpers}/explore_cxx.a $<TARGET_OBJECTS:onceproof_cxx_plain> $<TARGET_OBJECTS:onceproof_cxx_instrumented>
	DEPENDS onceproof_cxx_plain onceproof_cxx_instrumented $<TARGET_OBJECTS:onceproof_cxx_plain> $<TARGET_OBJECTS:onceproof_cxx_instrumented>
	COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(onceproof-cxx ALL DEPENDS ${helpers}/explore_cxx.a)
add_dependencies(onceproof-explore onceproof-cxx)
configure_file(${CMAKE_CURRENT_SOURCE_DIR}/explore/cxx/first.h ${helpers}/explore_cxx.h COPYONLY)
configure_file(${CMAKE_CURRENT_SOURCE_DIR}/explore/library.txt ${helpers}/explore_library.txt COPYONLY)
configure_file(${CMAKE_CURRENT_SOURCE_DIR}/explore/covered.txt ${helpers}/explore_covered.txt COPYONLY)

onceproof_script_test(explore_program_cxx ${CMAKE_CURRENT_SOURCE_DIR}/test_program_cxx.sh LABELS stress)
onceproof_script_test(explore_program_cxx_all ${CMAKE_CURRENT_SOURCE_DIR}/test_program_cxx.sh ARGS all LABELS stress full)
