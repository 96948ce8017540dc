# SPDX-License-Identifier: MIT
onceproof_test(explore_snapshot SOURCES test_snapshot.c snapshot.c LABELS unit)
