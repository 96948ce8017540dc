#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the completion offers: the program to a shell, and each shell to its user.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
completion=$ONCEPROOF_SOURCE/completion
. "$completion/onceproof.bash"

# --- the program
# offers EXPECTED WORD...: the words that fit, without their descriptions.
offers() {
	local expected=$1
	shift
	run "$ONCEPROOF" --complete "$@"
	expect_status 0
	expect "'$expected' should be offered" diff <(printf '%s' "$expected") <(cut -f1 "$scratch/out" | paste -sd ' ' | tr -d '\n')
}
offers "list" li
offers "explore" expl
offers "--strategy=dpor" explore --strategy=dp
offers "auto always never" list --color ""
offers "sc rc11" explore --model ""
offers "clean bug" check --expect ""
offers "exact unique dense linearizable approximate" advise --need ""
offers "--need=dense" advise --need=d
offers "inconclusive finding" check --fail-on ""
offers "--engine=explore,tsan" check --engine=explore,t
offers "atomic :files *.c" run --counter ato
offers "counter/naive" stress counter/nai
offers ":files *.c *.cc *.cpp *.cxx" check ""
offers ":files *.json" replay ""
offers ":folders" check --witness ""
offers ":files" check --json=x
offers "" check --budget ""
offers ":files" check a.c -- ""
offers "" nonsense ""
offers "" report x

# Each command is offered, and each long option that its --help has, and no other.
run "$ONCEPROOF" --complete ""
commands=$(cut -f1 "$scratch/out" | grep -v '^-')
expect "the commands of --help should be offered" diff <("$ONCEPROOF" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p') <(echo "$commands")
for command in $commands; do
	[[ $command != test ]] || continue
	run "$ONCEPROOF" "$command" --help
	ran="the options of $command"
	expect "the options of --help should be offered" \
		diff <(grep -oE '^ {2,6}(-., )?--[a-z-]+' "$scratch/out" | grep -oE -- '--[a-z-]+' | sort) <("$ONCEPROOF" --complete "$command" -- | cut -f1 | sort)
done

# --- what a shell makes of it: in a folder with a few files, LINE's last word is completed; offers go to stdout, one a line
mkdir "$scratch/here" && cd "$scratch/here" || exit 1
touch main.c maths.cc results.json "a file.c"
mkdir parts
shell_bash() {
	read -r -a COMP_WORDS <<<"${1//=/ = }"
	[[ $1 != *[=\ ] ]] || COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	_onceproof
	[[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
}
# zsh completes only in a terminal of its own: its pseudo-terminal module is one. The words offered are told by a compadd of our own.
shell_zsh() {
	zsh -f "$completion/ask_zsh.zsh" "$completion" "$1"
}
shell_fish() {
	fish --no-config -c 'source $argv[1]; complete -C $argv[2] | string replace -r "\t.*" ""' "$completion/onceproof.fish" "$1"
}

# in_shells LINE EXPECTED: what each shell offers, sorted; a line of its own option's name is as good as the value alone.
in_shells() {
	local shell
	for shell in bash zsh fish; do
		type -P "$shell" >/dev/null || continue
		run "shell_$shell" "$1"
		ran="$shell: $1"
		expect "'$2' should be offered" diff <(tr ' ' '\n' <<<"$2" | sort) <(sed 's/^--[a-z]*=//; s|/$||' "$scratch/out" | sort -u)
	done
}
in_shells "$ONCEPROOF li" list
in_shells "$ONCEPROOF check --expect=" "bug clean"
in_shells "$ONCEPROOF check --expect c" clean
in_shells "$ONCEPROOF run --counter=ato" atomic
in_shells "$ONCEPROOF check --budg" --budget
in_shells "$ONCEPROOF stress initialiser/double_checked_p" initialiser/double_checked_plain
in_shells "$ONCEPROOF check ma" "main.c maths.cc"
in_shells "$ONCEPROOF replay r" results.json
in_shells "$ONCEPROOF check --witness=p" parts
in_shells "$ONCEPROOF check --json=r" results.json
for shell in zsh fish; do
	type -P "$shell" >/dev/null || echo "$shell is not installed: its completion was not looked at"
done
finish
