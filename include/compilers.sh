# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by tests that compile the headers with all compilers that are there.
# shellcheck disable=SC2034,SC2154 # for who sources this, after check.sh
warnings=(-Wall -Wextra -Wconversion -Wsign-conversion -Wpedantic -Wshadow -Wcast-qual -Wundef -Wredundant-decls -Werror)

# each COMMAND...: the paths of those that are there, each once.
each() {
	local name
	for name in "$@"; do
		type -P "$name"
	done | sort -u
}

# runs COMPILER OPTIONS-AND-SOURCES...: compiles them with the header without a warning, into $scratch/program, and runs that; leaves what
# it printed in $scratch/out.
compiled=0
runs() {
	run "$1" -I "$ONCEPROOF_SOURCE/include" "${warnings[@]}" "${@:2}" -o "$scratch/program" -pthread
	expect_status 0
	[[ $status -eq 0 ]] || return
	compiled=$((compiled + 1))
	run timeout 60 "$scratch/program"
	ran="$* -- its program"
	expect_status 0
}
