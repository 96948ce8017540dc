# SPDX-License-Identifier: MIT
# Changes that are tried at run time.
if(NOT ONCEPROOF_SANITIZE)
	onceproof_explored(amend_programs SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_amend_programs.c)
	onceproof_test(explore_amend SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_amend.c LINK amend_programs onceproof_explore LABELS explore)
endif()
