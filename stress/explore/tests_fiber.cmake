# SPDX-License-Identifier: MIT
# Sanitizers keep shadows of stacks that they do not see switched.
if(NOT ONCEPROOF_SANITIZE)
	onceproof_test(explore_fiber SOURCES test_fiber.c LINK onceproof_explore LABELS unit)
endif()
