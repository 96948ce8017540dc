# SPDX-License-Identifier: MIT
# Races, heap and library functions on memory.
set(races memory.c races.c races_promoted.c contexts.c)
set(memory ${races} heap.c heap_functions.c heap_leaks.c libc_memory.c libc_strings.c libc_print.c formats.c test_runtime.c)
onceproof_test(explore_races SOURCES test_races.c ${races} LABELS unit)
# ThreadSanitizer leaves no room for the arenas.
if(NOT ONCEPROOF_SANITIZE MATCHES thread)
	onceproof_test(explore_heap SOURCES test_heap.c ${memory} LABELS unit)
	onceproof_test(explore_libc_memory SOURCES test_libc_memory.c ${memory} LABELS unit)
	# The compiler knows what memcpy and its kind do, and warns of what is tried here on purpose.
	target_compile_options(test_explore_libc_memory PRIVATE -fno-builtin)
endif()

if(NOT ONCEPROOF_SANITIZE)
	onceproof_explored(memory_programs SOURCES test_memory_programs.c)
	onceproof_test(explore_memory SOURCES test_memory.c LINK memory_programs suite_host onceproof_explore LABELS explore TIMEOUT 300)
endif()
