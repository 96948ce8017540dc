# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion for bash: source completion/onceproof.bash. It asks the built program, and never builds.

# Prints the built program behind the command word: itself, or what its launcher built.
_onceproof_program() {
	local word=${1/#\~/$HOME} tree
	word=$(type -P -- "$word") || return 1
	tree=$(dirname "$(readlink -f "$word")")
	word=${ONCEPROOF_BUILD_DIR:-$tree/build}/${ONCEPROOF_PRESET:-gcc}/bin/onceproof
	if [[ -x $word ]]; then
		printf '%s\n' "$word"
	elif [[ ! -e $tree/CMakePresets.json ]]; then
		printf '%s\n' "$1"
	else
		return 1
	fi
}

# Prints the subjects that a glob matches, one a line.
_onceproof_subjects() {
	"$1" list "$2" --color=never 2>/dev/null | sed -n 's|^  [0-9][0-9] \([a-z]*/[a-z0-9_]*\) .*|\1|p'
}

_onceproof() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]:-} program words=""
	program=$(_onceproof_program "${COMP_WORDS[0]}") || return 0
	# Bash splits --option=value into three words.
	[[ $current != = ]] || current=""
	[[ $previous != = ]] || previous=${COMP_WORDS[COMP_CWORD - 2]}
	if [[ $COMP_CWORD -eq 1 ]]; then
		words="$("$program" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p') --help --version"
	else
		case $previous in
		--initialiser | --counter | --progress)
			words=$(_onceproof_subjects "$program" "${previous#--}/*")
			words=${words//${previous#--}\//}
			;;
		--engine) words="native tsan explore sequential helgrind drd" ;;
		--strategy) words="auto dpor bound random pct pos surw rff" ;;
		--model) words="rc11 sc" ;;
		--color) words="auto always never" ;;
		--json | --junit | --out | --witness | --input) ;;
		*)
			if [[ $current == -* ]]; then
				[[ $command == test ]] && words="--full" ||
					words=$("$program" "$command" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u)
			elif [[ $command == list || $command == stress || $command == bench || $command == explore ]]; then
				words=$(_onceproof_subjects "$program" '*/*')
			fi
			;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
	[[ ${#COMPREPLY[@]} -gt 0 || -n $words ]] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
}
complete -o filenames -o bashdefault -F _onceproof onceproof ./onceproof
