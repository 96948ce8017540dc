# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion for bash: source completion/onceproof.bash. It asks the built program (onceproof --complete), and never builds.

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

# Fills COMPREPLY with the files that match one of the patterns (all without one), and the folders on the way to them.
_onceproof_files() {
	local current=$1 pattern
	shift
	[[ $# -gt 0 ]] || set -- '*'
	for pattern in "$@"; do
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X "!$pattern" -- "$current")
	done
	[[ $1 == '*' ]] || mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current")
}

_onceproof() {
	local program line prefix="" i
	local -a words=() patterns=()
	program=$(_onceproof_program "${COMP_WORDS[0]}") || return 0
	# Bash splits --option=value into three words, and puts back only the last.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		if [[ ${#words[@]} -gt 0 && ${words[-1]} == --* && (${COMP_WORDS[i]} == = || ${words[-1]} == *=) ]]; then
			words[-1]+=${COMP_WORDS[i]}
		else
			words+=("${COMP_WORDS[i]}")
		fi
	done
	[[ ${words[-1]} != --*=* ]] || prefix=${words[-1]%%=*}=
	COMPREPLY=()
	while IFS= read -r line; do
		line=${line%%$'\t'*}
		case $line in
		:files*)
			read -r -a patterns <<<"${line#:files}"
			_onceproof_files "${words[-1]#"$prefix"}" "${patterns[@]}"
			;;
		:folders) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "${words[-1]#"$prefix"}") ;;
		*) COMPREPLY+=("${line#"$prefix"}") ;;
		esac
	done < <("$program" --complete "${words[@]}" 2>/dev/null)
}
complete -o filenames -F _onceproof onceproof ./onceproof
