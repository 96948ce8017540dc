#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# docs/once.md and docs/tally.md have what their headers offer, all of it: each function as a prototype, made by readme.sh of the header, and
# those of tally in the table of promises; and what they name is there.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
status="" && : >"$scratch/out" >"$scratch/err"

# documented NAME AT_LEAST
documented() {
	local document=$ONCEPROOF_SOURCE/docs/$1.md header=$ONCEPROOF_SOURCE/include/onceproof/$1.h name
	# Private ones end in _.
	sed -nE 's/^(static inline|[A-Z]+_(COLD|INLINE)_) .*[ *](([a-z]+_)*[a-z]+)\(.*$/\3/p' "$header" | sort -u >"$scratch/functions"
	while read -r name; do
		ran="$1.md: $name"
		expect "it has a prototype" grep -qE "^[a-z].*[ *]$name\\(.*\\);$" "$document"
		[[ $1 == once ]] || expect "it is in the table" grep -qE "^\\|.*\`$name\`" "$document"
	done <"$scratch/functions"
	ran="$1.h"
	expect "functions were found" [ "$(wc -l <"$scratch/functions")" -ge "$2" ]
	# And the other way round.
	while read -r name; do
		ran="$1.md: $name"
		expect "what is named is in the header" grep -qE "(^|[^A-Za-z_])$name([^A-Za-z_]|$)" "$header"
	done < <(grep -oE '`(once|tally|teller|ONCE|TALLY|TELLER)_[A-Za-z_]+' "$document" | tr -d '`' | grep -vx "once_portable\\|$laboratory" | sort -u)
	expect "nothing private is shown" [ "$(sed -n '/^```c$/,/^```$/p' "$document" | grep -cE '(tally|teller|once|TALLY|TELLER|ONCE)[a-zA-Z_]*_[ (]')" -eq 0 ]
}
# Names of the laboratory's implementations.
laboratory='tally_\(fenced\|percpu\|tickets\|steps\)'
documented once 3
documented tally 20
# In no other file is a prototype typed by hand.
expect "the blocks are readme.sh's" [ "$(grep -c '^<!-- prototypes: include/onceproof/' "$ONCEPROOF_SOURCE/docs/once.md" "$ONCEPROOF_SOURCE/docs/tally.md" | awk -F: "{ n += \$2 } END { print n }")" -ge 5 ]
finish
