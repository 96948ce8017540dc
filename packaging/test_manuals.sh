#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# There is a manual page for each command, it has every option of --help, and it renders without a warning.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
for tool in help2man groff; do
	type -P "$tool" >/dev/null || { echo "$tool is not installed"; exit 77; }
done
run bash "$ONCEPROOF_SOURCE/packaging/manuals.sh" "${ONCEPROOF:?}" "$scratch/man"
expect_status 0
commands=$("$ONCEPROOF" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -vx test)
expect "as many pages as commands, and one of all" [ "$(find "$scratch/man" -name '*.1' | wc -l)" -eq $((1 + $(wc -w <<<"$commands"))) ]
for page in "$scratch"/man/*.1; do
	# Lines that cannot be filled prettily are no mistake.
	run groff -ww -Wbreak -man -Tascii -P-c -P-b -P-u "$page"
	expect_status 0
	expect "$(basename "$page") should render without a warning" [ ! -s "$scratch/err" ]
done
run groff -man -Tascii -P-c -P-b -P-u -rHY=0 "$scratch/man/onceproof.1"
for command in $commands; do
	expect_out "onceproof-$command(1)"
done
for command in $commands; do
	"$ONCEPROOF" "$command" --help >"$scratch/help"
	run groff -man -Tascii -P-c -P-b -P-u -rHY=0 -rLL=200n "$scratch/man/onceproof-$command.1"
	expect_out "ONCEPROOF-${command^^}(1)"
	expect_out "onceproof $command ["
	while read -r option; do
		expect "$option should be in the page of $command" grep -qE -- "^ .*$option([=, []|$)" "$scratch/out"
	done < <(grep -oE '^ {2,6}(-., )?--[a-z-]+' "$scratch/help" | grep -oE -- '--[a-z-]+')
done
finish
