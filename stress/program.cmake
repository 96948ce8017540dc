# SPDX-License-Identifier: MIT
# Whole programs: what `onceproof explore FILE.c` needs at run time, in libexec/onceproof. program_build.c says how the parts are used.
target_sources(onceproof_stress PRIVATE described.c implementation_build.c explore_file.c private_folder.c program_build.c program_tools.c program_words.c program_flags.c program_object.c program_assembly.c program_includes.c)
pkg_check_modules(LIBELF REQUIRED IMPORTED_TARGET libelf)
target_link_libraries(onceproof_stress PUBLIC PkgConfig::LIBELF)
set_source_files_properties(program_tools.c PROPERTIES COMPILE_DEFINITIONS "ONCEPROOF_CC=\"${CMAKE_C_COMPILER}\"")
if(ONCEPROOF_SANITIZE)
	return()
endif()

set(helpers ${PROJECT_BINARY_DIR}/libexec/onceproof)
file(GLOB harmless CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/explore/harmless.txt)
configure_file(${harmless} ${helpers}/explore_harmless.txt COPYONLY)
configure_file(${CMAKE_CURRENT_SOURCE_DIR}/explore/isolated.txt ${helpers}/explore_isolated.txt COPYONLY)
configure_file(${ONCEPROOF_TAKEN_SYMBOLS} ${helpers}/explore_taken.syms COPYONLY)

# Jansson goes into the object where there is an archive of it, so that building a program needs no development package.
find_library(JANSSON_ARCHIVE libjansson.a)
set(archives "")
set(libraries "-lm\n-lpthread\n")
if(JANSSON_ARCHIVE)
	set(archives ${JANSSON_ARCHIVE})
else()
	string(APPEND libraries "${JANSSON_LINK_LIBRARIES}\n")
endif()
onceproof_generate(${helpers}/explore_program.link "${libraries}")

# One object of everything that is linked to a program. All its names are local but those that explored code uses.
add_library(onceproof_program OBJECT program_main.c)
target_link_libraries(onceproof_program PRIVATE PkgConfig::JANSSON)
add_custom_command(OUTPUT ${helpers}/explore_program.o
	COMMAND ${CMAKE_LINKER} -r -o ${helpers}/explore_program.o $<TARGET_OBJECTS:onceproof_program> --whole-archive
		$<TARGET_FILE:onceproof_explore> --no-whole-archive ${archives}
	COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=explored_* --keep-global-symbol=__tsan_* --keep-global-symbol=main
		--keep-global-symbol=onceproof_step ${helpers}/explore_program.o
	DEPENDS onceproof_program $<TARGET_OBJECTS:onceproof_program> onceproof_explore
	COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(onceproof-program ALL DEPENDS ${helpers}/explore_program.o)
# Where the other worker is, it is.
add_dependencies(onceproof-explore onceproof-program)

onceproof_script_test(explore_program ${CMAKE_CURRENT_SOURCE_DIR}/test_program.sh LABELS stress)
onceproof_script_test(explore_isolate ${CMAKE_CURRENT_SOURCE_DIR}/test_isolate.sh LABELS stress)

# ThreadSanitizer's reports of users' programs: not instrumented itself.
add_library(onceproof_told OBJECT tsan/told.c)
target_compile_options(onceproof_told PRIVATE -Wno-missing-prototypes)
add_custom_command(OUTPUT ${helpers}/onceproof-tsan-told.o
	COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_OBJECTS:onceproof_told> ${helpers}/onceproof-tsan-told.o
	DEPENDS onceproof_told $<TARGET_OBJECTS:onceproof_told> COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(onceproof-told ALL DEPENDS ${helpers}/onceproof-tsan-told.o)
add_dependencies(onceproof-explore onceproof-told)
include(worker_parts.cmake)
