# SPDX-License-Identifier: MIT
# Helpers of the build: flavours, generated registries, tests.

# Without ThreadSanitizer's runtime there are no tsan flavours, and the engine says that it is skipped.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_FLAGS -fsanitize=thread)
set(CMAKE_REQUIRED_LINK_OPTIONS -fsanitize=thread)
check_c_source_compiles("int main(void) { return 0; }" ONCEPROOF_TSAN_LINKS)
unset(CMAKE_REQUIRED_FLAGS)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
if(NOT ONCEPROOF_TSAN_LINKS)
	message(WARNING "This compiler links no ThreadSanitizer: the engine `tsan` will be skipped")
endif()

# onceproof_flavours(NAME SOURCES... LINK libs... FLAVOURED libs...)
# Makes NAME (plain) and NAME_tsan (-fsanitize=thread) static libraries of the same sources. LINK libraries are shared by both; a
# FLAVOURED library L is linked as L or as L_tsan. A sanitized build of the harness has no tsan flavour of its own: sanitizers exclude
# one another.
function(onceproof_flavours name)
	cmake_parse_arguments(arg "" "" "SOURCES;LINK;FLAVOURED" ${ARGN})
	add_library(${name} STATIC ${arg_SOURCES})
	target_link_libraries(${name} PUBLIC Threads::Threads ${arg_LINK} ${arg_FLAVOURED})
	if(ONCEPROOF_TSAN_LINKS AND NOT ONCEPROOF_SANITIZE)
		add_library(${name}_tsan STATIC EXCLUDE_FROM_ALL ${arg_SOURCES})
		# gcc warns that its sanitizer does not model fences: a declared blind spot.
		target_compile_options(${name}_tsan PRIVATE -fsanitize=thread -O1 -g -fno-omit-frame-pointer
			"$<$<C_COMPILER_ID:GNU>:-Wno-tsan>")
		list(TRANSFORM arg_FLAVOURED APPEND _tsan)
		target_link_libraries(${name}_tsan PUBLIC Threads::Threads ${arg_LINK} ${arg_FLAVOURED})
		target_link_options(${name}_tsan PUBLIC -fsanitize=thread)
	endif()
endfunction()

# onceproof_test(NAME SOURCES... LINK libs... LABELS labels...): a cmocka program as a CTest test; exit 77 is "skipped".
function(onceproof_test name)
	cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINK;LABELS;ARGS" ${ARGN})
	add_executable(test_${name} ${arg_SOURCES})
	target_link_libraries(test_${name} PRIVATE PkgConfig::CMOCKA ${arg_LINK})
	set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
	add_test(NAME ${name} COMMAND test_${name} ${arg_ARGS})
	if(NOT arg_TIMEOUT)
		set(arg_TIMEOUT 120)
	endif()
	set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77)
endfunction()

# onceproof_script_test(NAME SCRIPT ARGS... LABELS labels...): a bash script as a CTest test.
function(onceproof_script_test name script)
	cmake_parse_arguments(arg "" "TIMEOUT" "ARGS;LABELS" ${ARGN})
	add_test(NAME ${name} COMMAND bash ${script} ${arg_ARGS} WORKING_DIRECTORY ${PROJECT_BINARY_DIR})
	if(NOT arg_TIMEOUT)
		set(arg_TIMEOUT 300)
	endif()
	set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77)
	set_property(TEST ${name} PROPERTY ENVIRONMENT "ONCEPROOF=${PROJECT_BINARY_DIR}/bin/onceproof" "ONCEPROOF_SOURCE=${PROJECT_SOURCE_DIR}"
		"ONCEPROOF_BUILD=${PROJECT_BINARY_DIR}")
endfunction()

# Writes FILE only when its content changes, so that nothing is rebuilt without need.
function(onceproof_generate file content)
	file(CONFIGURE OUTPUT ${file} CONTENT "${content}" @ONLY)
endfunction()
