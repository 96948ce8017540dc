# SPDX-License-Identifier: MIT
if(NOT ONCEPROOF_SANITIZE)
	onceproof_test(explore_answer SOURCES test_answer.c LINK onceproof_explore LABELS unit explore)
endif()
