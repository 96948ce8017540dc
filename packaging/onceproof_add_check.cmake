# SPDX-License-Identifier: MIT
# onceproof_add_check(NAME
#     [SOURCES file...]         files of one program, one scenario file, or one implementation; left out: the C and C++ files of TARGET
#     [TARGET target]           whose include folders, definitions, options and standard they are compiled with
#     [KIND program|scenario|implementation]  what the files must be; left out: what they are
#     [EXPECT clean|bug]        what must come out (default clean)
#     [BUDGET seconds]          of the whole check (default: that of `onceproof check`)
#     [ENGINES engine...]       left out: those of `onceproof check`
#     [FLAGS flag...]           of the compiler and the linker, behind those of TARGET
#     [ARGUMENTS word...]       of the program
#     [BASELINE file]           findings in it do not fail
#     [OPTIONS option...]       further options of `onceproof check`
#     [LABELS label...]         of the test, besides onceproof
#     [WORKING_DIRECTORY dir])  default: the project's folder, so that names in results are relative to it
#
# Adds a CTest test NAME with the label onceproof. It passes when the verdict is the expected one; otherwise, inconclusive included, it
# fails and its output says why. Results are kept as NAME.json, NAME.xml (JUnit) and NAME.sarif in the folder onceproof/ of the current
# build folder, witnesses beside them. The compiler is the project's own.
include_guard(GLOBAL)

# Options of the compiler that TARGET has for files like FILE, as generator expressions, to VARIABLE.
function(_onceproof_flags_of target file variable)
	set(flags "")
	foreach(property INCLUDE_DIRECTORIES COMPILE_DEFINITIONS COMPILE_OPTIONS)
		set(option "")
		if(property STREQUAL "INCLUDE_DIRECTORIES")
			set(option -I)
		elseif(property STREQUAL "COMPILE_DEFINITIONS")
			set(option -D)
		endif()
		set(values "$<REMOVE_DUPLICATES:$<FILTER:$<TARGET_PROPERTY:${target},${property}>,EXCLUDE,^$>>")
		list(APPEND flags "$<$<BOOL:${values}>:${option}$<JOIN:${values},$<SEMICOLON>${option}>>")
	endforeach()
	set(language C)
	set(dialects gnu c)
	if(NOT file MATCHES "\\.c$")
		set(language CXX)
		set(dialects gnu++ c++)
	endif()
	# Not those of a build type: its -DNDEBUG would take assertions away.
	separate_arguments(everywhere UNIX_COMMAND "${CMAKE_${language}_FLAGS}")
	list(PREPEND flags ${everywhere})
	get_target_property(standard ${target} ${language}_STANDARD)
	get_target_property(extensions ${target} ${language}_EXTENSIONS)
	if(standard)
		list(GET dialects 0 dialect)
		if("${extensions}" STREQUAL "OFF" OR "${extensions}" STREQUAL "FALSE")
			list(GET dialects 1 dialect)
		endif()
		list(PREPEND flags -std=${dialect}${standard})
	endif()
	set(${variable} ${flags} PARENT_SCOPE)
endfunction()

# The C and C++ files of TARGET, to VARIABLE.
function(_onceproof_sources_of target variable)
	get_target_property(sources ${target} SOURCES)
	get_target_property(folder ${target} SOURCE_DIR)
	list(FILTER sources INCLUDE REGEX "\\.(c|cc|cpp|cxx)$")
	list(TRANSFORM sources PREPEND ${folder}/ REGEX "^[^/$]")
	set(${variable} ${sources} PARENT_SCOPE)
endfunction()

function(onceproof_add_check name)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "TARGET;KIND;EXPECT;BUDGET;BASELINE;WORKING_DIRECTORY"
		"SOURCES;ENGINES;FLAGS;ARGUMENTS;OPTIONS;LABELS")
	if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
		message(FATAL_ERROR "onceproof_add_check(${name}): unknown or without a value: ${arg_UNPARSED_ARGUMENTS} ${arg_KEYWORDS_MISSING_VALUES}")
	endif()
	if(arg_KIND AND NOT arg_KIND MATCHES "^(program|scenario|implementation)$")
		message(FATAL_ERROR "onceproof_add_check(${name}): KIND ${arg_KIND}: use program, scenario or implementation")
	endif()
	if(NOT arg_EXPECT)
		set(arg_EXPECT clean)
	elseif(NOT arg_EXPECT MATCHES "^(clean|bug)$")
		message(FATAL_ERROR "onceproof_add_check(${name}): EXPECT ${arg_EXPECT}: use clean or bug")
	endif()
	if(DEFINED arg_BUDGET AND NOT arg_BUDGET MATCHES "^[0-9]+(\\.[0-9]+)?$")
		message(FATAL_ERROR "onceproof_add_check(${name}): BUDGET ${arg_BUDGET} is no number of seconds")
	endif()
	if(arg_TARGET AND NOT TARGET ${arg_TARGET})
		message(FATAL_ERROR "onceproof_add_check(${name}): TARGET ${arg_TARGET}: there is no such target yet; call it behind the target's definition")
	endif()
	if(arg_TARGET AND NOT arg_SOURCES)
		_onceproof_sources_of(${arg_TARGET} arg_SOURCES)
	endif()
	if(NOT arg_SOURCES)
		message(FATAL_ERROR "onceproof_add_check(${name}): name SOURCES, or a TARGET that has C or C++ files")
	endif()
	if(NOT arg_WORKING_DIRECTORY)
		set(arg_WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
	endif()
	list(GET arg_SOURCES 0 first)

	# Relative names are what a reader wants to see, and what stays the same on another machine.
	set(files "")
	foreach(file ${arg_SOURCES})
		get_filename_component(file "${file}" ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
		file(RELATIVE_PATH relative ${arg_WORKING_DIRECTORY} ${file})
		if(NOT relative MATCHES "^\\.\\./")
			set(file ${relative})
		endif()
		list(APPEND files ${file})
	endforeach()

	set(results ${CMAKE_CURRENT_BINARY_DIR}/onceproof)
	file(MAKE_DIRECTORY ${results})
	set(command $<TARGET_FILE:onceproof::onceproof> check --expect=${arg_EXPECT} --color=never --json=${results}/${name}.json
		--junit=${results}/${name}.xml --sarif=${results}/${name}.sarif --witness=${results}/${name}.witness)
	set(timeout 120)
	if(DEFINED arg_BUDGET)
		list(APPEND command --budget=${arg_BUDGET})
		# The budget is for the engines; compilers and a busy machine come on top.
		string(REGEX MATCH "^[0-9]+" seconds ${arg_BUDGET})
		math(EXPR timeout "120 + 4 * (${seconds} + 1)")
	endif()
	if(arg_ENGINES)
		list(JOIN arg_ENGINES "," engines)
		list(APPEND command --engine=${engines})
	endif()
	if(arg_KIND)
		list(APPEND command --kind=${arg_KIND})
	endif()
	if(arg_BASELINE)
		get_filename_component(baseline "${arg_BASELINE}" ABSOLUTE)
		list(APPEND command --baseline=${baseline})
	endif()
	foreach(word ${arg_ARGUMENTS})
		list(APPEND command --arg=${word})
	endforeach()
	list(APPEND command ${arg_OPTIONS} ${files})
	set(flags "")
	if(arg_TARGET)
		_onceproof_flags_of(${arg_TARGET} ${first} flags)
	endif()
	list(APPEND flags ${arg_FLAGS})
	if(flags)
		list(APPEND command -- ${flags})
	endif()

	add_test(NAME ${name} COMMAND ${command} WORKING_DIRECTORY ${arg_WORKING_DIRECTORY} COMMAND_EXPAND_LISTS)
	set_tests_properties(${name} PROPERTIES LABELS "onceproof;${arg_LABELS}" TIMEOUT ${timeout} SKIP_RETURN_CODE 77)
	foreach(pair "CC=${CMAKE_C_COMPILER}" "CXX=${CMAKE_CXX_COMPILER}")
		# A variable names a command line: no compiler whose path has a blank, and none that the project does not have.
		if(NOT pair MATCHES " " AND NOT pair MATCHES "=$")
			set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT "${pair}")
		endif()
	endforeach()
endfunction()
