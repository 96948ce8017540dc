# SPDX-License-Identifier: MIT
# Races, heap and library functions on memory.
onceproof_test(explore_races SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_races.c ${CMAKE_CURRENT_LIST_DIR}/races.c
	${CMAKE_CURRENT_LIST_DIR}/races_promoted.c ${CMAKE_CURRENT_LIST_DIR}/contexts.c LABELS unit)
