#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# docs/tally.md names what <onceproof/tally.h> has, all of it, and nothing else. (Its code is kept by readme.sh.)
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
document=$ONCEPROOF_SOURCE/docs/tally.md header=$ONCEPROOF_SOURCE/include/onceproof/tally.h
status="" && : >"$scratch/out" >"$scratch/err"
# Functions of the header, without its helpers: those that the head of a line or of another function of its own calls only.
sed -nE 's/^(static inline|TALLY_COLD) .*[ *]((tally|teller)_[a-z_]+)\(.*$/\2/p' "$header" | sort -u >"$scratch/functions"
helpers='^(tally_chunk|tally_chunk_of|tally_place_of|tally_retired|tally_pass|tally_draw|teller_look|teller_now_ns)$'
while read -r name; do
	ran="$name"
	if [[ $name =~ $helpers ]]; then
		expect "a helper is not documented" [ "$(grep -c "\`$name\`" "$document")" -eq 0 ]
	else
		expect "is documented" grep -q "\`$name\`" "$document"
	fi
done <"$scratch/functions"
# And the other way round.
while read -r name; do
	ran="$name"
	expect "what is named is in the header" grep -qE "(^|[^A-Za-z_])$name([^A-Za-z_]|$)" "$header"
done < <(grep -oE '`(tally|teller|TALLY|TELLER)_[A-Za-z_]+' "$document" | tr -d '`' | sort -u)
expect "functions were found" [ "$(wc -l <"$scratch/functions")" -ge 20 ]
finish
