#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The steps of action.yml: action.sh install, action.sh check. Inputs come in ONCEPROOF_… variables, outputs go to the file $GITHUB_OUTPUT.
set -u
root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 2

die() {
	printf '::error title=onceproof::%s\n' "$*"
	exit 2
}

# output NAME VALUE: a value with a line break would be read as further outputs.
output() {
	[[ $2 != *$'\n'* ]] || die "$1: a line break in the name of a file or folder"
	printf '%s=%s\n' "$1" "$2" >>"${GITHUB_OUTPUT:-/dev/null}"
}

# lines TEXT: puts its lines, without blanks around them, into the array `read_lines`; empty ones are left out.
lines() {
	local line
	read_lines=()
	while read -r line; do
		[[ -z $line ]] || read_lines+=("$line")
	done <<<"$1"
}

install_program() {
	local program
	case ${ONCEPROOF_INSTALL:-build} in
	build)
		program=$root/onceproof
		"$program" --version || die "onceproof could not be built; the log of this step has the reason"
		;;
	path)
		program=$(type -P onceproof) || die "install: path: there is no onceproof on PATH"
		;;
	*.deb)
		local -a sudo=()
		[[ $EUID -eq 0 ]] || sudo=(sudo -n)
		[[ -f $ONCEPROOF_INSTALL ]] || die "install: $ONCEPROOF_INSTALL: there is no such file"
		"${sudo[@]}" apt-get install -q -y --no-install-recommends "$(realpath -- "$ONCEPROOF_INSTALL")" ||
			die "install: $ONCEPROOF_INSTALL could not be installed"
		program=/usr/bin/onceproof
		;;
	*) die "install: '$ONCEPROOF_INSTALL' is neither build, path nor the name of a .deb" ;;
	esac
	output program "$program"
}

# The worst of the verdicts in result files.
worst_verdict() {
	local verdicts verdict
	verdicts=$(jq -r '.checks[]?.verdict' "$@" 2>/dev/null)
	for verdict in bug inconclusive skipped not-found proved; do
		grep -qx "$verdict" <<<"$verdicts" && echo "$verdict" && return
	done
	echo error
}

# run_check NAME FILE...: one check; its results are NAME.json and so on.
run_check() {
	local name=$1
	local -a command=("$ONCEPROOF_PROGRAM" check --github --color=never --json="$folder/$name.json" --junit="$folder/$name.xml"
		--sarif="$folder/$name.sarif" --witness="$folder/witnesses")
	shift
	[[ -z ${ONCEPROOF_BUDGET:-} ]] || command+=(--budget="$ONCEPROOF_BUDGET")
	[[ -z ${ONCEPROOF_ENGINES:-} ]] || command+=(--engine="$ONCEPROOF_ENGINES")
	[[ -z ${ONCEPROOF_EXPECT:-} ]] || command+=(--expect="$ONCEPROOF_EXPECT")
	[[ -z ${ONCEPROOF_FAIL_ON:-} ]] || command+=(--fail-on="$ONCEPROOF_FAIL_ON")
	[[ -z ${ONCEPROOF_BASELINE:-} ]] || command+=(--baseline="$ONCEPROOF_BASELINE")
	"${command[@]}" "${arguments[@]}" "$@" -- "${flags[@]}"
}

check() {
	local folder=${ONCEPROOF_OUTPUT:-onceproof-results} pattern file status worst=0 here name=check
	local -a files=() read_lines=() arguments=() flags=() found=() results=()
	mkdir -p -- "$folder" || die "output: $folder: cannot be made"
	folder=$(realpath -- "$folder")
	rm -f -- "$folder"/check{,-*}.{json,xml,sarif}
	lines "${ONCEPROOF_FILES:-}"
	for pattern in "${read_lines[@]}"; do
		# A file of that very name comes before what the name means as a pattern. A name that begins with '-' is no option.
		mapfile -t found < <(if [[ -e $pattern ]]; then printf '%s\n' "$pattern"; else compgen -G "$pattern"; fi)
		[[ ${#found[@]} -gt 0 ]] || die "files: '$pattern' matches nothing in $PWD"
		for file in "${found[@]}"; do
			[[ $file != -* ]] || file=./$file
			files+=("$file")
		done
	done
	[[ ${#files[@]} -gt 0 ]] || die "files: name at least one C file"
	lines "${ONCEPROOF_ARGUMENTS:-}"
	for file in "${read_lines[@]}"; do
		arguments+=(--arg="$file")
	done
	read -r -d '' -a flags <<<"${ONCEPROOF_FLAGS:-}"

	if [[ ${ONCEPROOF_SEPARATELY:-} == true ]]; then
		for file in "${files[@]}"; do
			# Each of its own name, whatever folder it is in.
			name=check-$((${#results[@]} + 1))
			run_check "$name" "$file"
			status=$?
			# A finding is worse than a file that could not be checked, and that is worse than one that nothing is known of.
			case $status,$worst in 1,* | [!0],0 | 2,3) worst=$status ;; esac
			[[ -f $folder/$name.json ]] && results+=("$folder/$name.json")
		done
		name=check
		[[ ${#results[@]} -eq 0 ]] || "$ONCEPROOF_PROGRAM" merge --quiet --color=never --json="$folder/check.json" \
			--junit="$folder/check.xml" --sarif="$folder/check.sarif" "${results[@]}" >/dev/null
	else
		run_check "$name" "${files[@]}"
		worst=$?
		results=("$folder/$name.json")
	fi

	here=$(realpath -- "${GITHUB_WORKSPACE:-.}")
	output verdict "$(if [[ $worst -eq 2 ]]; then echo error; else worst_verdict "${results[@]}"; fi)"
	[[ ! -f $folder/$name.sarif ]] || output sarif "$(realpath --relative-to="$here" -- "$folder/$name.sarif")"
	[[ ! -f $folder/$name.json ]] || output json "$(realpath --relative-to="$here" -- "$folder/$name.json")"
	return "$worst"
}

case ${1:-} in
install) install_program ;;
check) check ;;
*) die "use: action.sh install|check" ;;
esac
