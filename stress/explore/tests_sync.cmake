# SPDX-License-Identifier: MIT
# Synchronisation, on programs of each kind of object.
if(NOT ONCEPROOF_SANITIZE)
	onceproof_explored(sync_programs SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sync_locks.c ${CMAKE_CURRENT_LIST_DIR}/test_sync_waits.c
		${CMAKE_CURRENT_LIST_DIR}/test_sync_threads.c)
	onceproof_explored(sync_jumping SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sync_unwinding.c)
	target_compile_definitions(sync_jumping PRIVATE UNWINDING=sync_jumping UNWINDING_NAME="jumping: " INNER=sync_jumping_inner
		OTHER_INNER=sync_unwinding_inner)
	onceproof_explored(sync_unwinding SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sync_unwinding.c)
	target_compile_definitions(sync_unwinding PRIVATE UNWINDING=sync_unwinding UNWINDING_NAME="unwinding: " INNER=sync_unwinding_inner
		OTHER_INNER=sync_jumping_inner)
	target_compile_options(sync_unwinding PRIVATE -fexceptions)
	onceproof_test(explore_sync SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sync.c
		LINK sync_programs sync_jumping sync_unwinding suite_host onceproof_explore LABELS explore TIMEOUT 300)
endif()
