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
# Makes NAME (plain), NAME_tsan (-fsanitize=thread) and NAME_explored (onceproof_explored) static libraries of the same sources. LINK libraries are shared by both; a
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
	if(NOT ONCEPROOF_SANITIZE)
		list(TRANSFORM arg_FLAVOURED REPLACE "_tsan$" "")
		list(TRANSFORM arg_FLAVOURED APPEND _explored)
		onceproof_explored(${name}_explored SOURCES ${arg_SOURCES} LINK ${arg_LINK} ${arg_FLAVOURED})
	endif()
endfunction()

# The functions that the explorer takes over, as objcopy wants them; see stress/explore/runtime.h.
file(GLOB ONCEPROOF_TAKEN CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/stress/explore/taken_*.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ONCEPROOF_TAKEN})
set(ONCEPROOF_TAKEN_SYMBOLS ${PROJECT_BINARY_DIR}/taken.syms)
set(symbols "")
foreach(file ${ONCEPROOF_TAKEN})
	file(STRINGS ${file} lines REGEX "^[A-Za-z_]")
	foreach(line ${lines})
		string(REGEX MATCH "^[A-Za-z0-9_]+" name ${line})
		string(APPEND symbols "${name} explored_${name}\n")
	endforeach()
endforeach()
file(CONFIGURE OUTPUT ${ONCEPROOF_TAKEN_SYMBOLS} CONTENT "${symbols}" @ONLY)

# How explored code is compiled: all accesses reach the runtime, and builtins stay calls. gcc declares the callbacks as leaf functions,
# which cannot see the statics of a file whose addresses do not escape; -fipa-reference then moves and drops stores to such statics across
# atomic operations and calls, as if no other thread could run there.
set(ONCEPROOF_EXPLORED_OPTIONS -fsanitize=thread -O1 -g -fno-omit-frame-pointer -fno-builtin
	-fno-optimize-sibling-calls)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
	list(APPEND ONCEPROOF_EXPLORED_OPTIONS --param tsan-distinguish-volatile=1 -fno-ipa-reference -Wno-tsan)
else()
	list(APPEND ONCEPROOF_EXPLORED_OPTIONS "SHELL:-mllvm -tsan-instrument-read-before-write=1"
		"SHELL:-mllvm -tsan-distinguish-volatile=1")
endif()

# onceproof_explored(NAME SOURCES... LINK libs...): a static library of explored code; link onceproof_explore behind it. Not made in a
# sanitized build of the harness.
function(onceproof_explored name)
	cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
	add_library(${name} STATIC EXCLUDE_FROM_ALL ${arg_SOURCES})
	target_compile_options(${name} PRIVATE ${ONCEPROOF_EXPLORED_OPTIONS})
	set_target_properties(${name} PROPERTIES LINK_DEPENDS ${ONCEPROOF_TAKEN_SYMBOLS})
	add_custom_command(TARGET ${name} POST_BUILD
		COMMAND ${CMAKE_OBJCOPY} --redefine-syms=${ONCEPROOF_TAKEN_SYMBOLS} $<TARGET_FILE:${name}> VERBATIM)
	target_link_libraries(${name} PUBLIC Threads::Threads ${arg_LINK} onceproof_explore)
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
