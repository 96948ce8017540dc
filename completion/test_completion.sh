#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the completion offers, asked as bash asks it.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
. "$ONCEPROOF_SOURCE/completion/onceproof.bash"

# complete_words WORD...: the last word is the one at the cursor; offers go to stdout, one a line.
complete_words() {
	COMP_WORDS=("$ONCEPROOF" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_onceproof
	printf '%s\n' "${COMPREPLY[@]}"
}

run complete_words ""
for command in explore list replay stress test; do
	expect "$command should be offered" grep -qx "$command" "$scratch/out"
done
run complete_words li
expect "one command starts with li" diff - "$scratch/out" <<<"list"
run complete_words run --counter at
expect "names come without the family" diff - "$scratch/out" <<<"atomic"
run complete_words run --counter = at
expect "and after an equals sign" diff - "$scratch/out" <<<"atomic"
run complete_words stress initialiser/double_checked_p
expect "subjects come with the family" diff - "$scratch/out" <<<"initialiser/double_checked_plain"
run complete_words explore --strategy dp
expect "strategies have names" diff - "$scratch/out" <<<"dpor"
run complete_words explore counter/nai
expect "explore takes subjects" diff - "$scratch/out" <<<"counter/naive"
run complete_words list --js
expect "options come from --help" diff - "$scratch/out" <<<"--json"
cd "$scratch" && touch results.json
run complete_words merge res
expect "other arguments are files" diff - "$scratch/out" <<<"results.json"
finish
