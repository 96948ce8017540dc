#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes onceproof.1 and a page for each command, all from what the program itself says to --help: manuals.sh PROGRAM FOLDER
# Needs help2man. Pages of commands that are no more are removed.
set -u -o pipefail
program=${1:?} folder=${2:?}
export LC_ALL=C.UTF-8 ARGP_HELP_FMT=rmargin=79

# The commands and their summaries, "NAME<tab>SUMMARY", as the program lists them. `test` is the launcher's.
commands() {
	"$program" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *\(.*\)/\1\t\2/p' | grep -v '^test	'
}

# extra: sections that help2man puts behind what it made of --help.
extra() {
	local name summary
	cat <<-'TEXT'
		[SEE ALSO]
	TEXT
	# Names are not broken.
	printf '.nh\n.BR onceproof (1)\n'
	while IFS=$'\t' read -r name summary; do
		printf '.BR onceproof\\-%s (1)\n' "$name"
	done < <(commands)
}

# page NAME SUMMARY WORDS...: the page of "onceproof WORDS". help2man takes the command's name for an argument; here it is part of the
# page's name.
page() {
	local name=$1 summary=$2
	shift 2
	help2man --no-info --section=1 --no-discard-stderr --name="$summary" --include="$work/extra" "$work/onceproof${1:+ }$*" |
		sed -e "s/^\.TH ONCEPROOF \"1\" \"[^\"]*\"/.TH ${name^^} \"1\" \"$date\"/" -e "s/^onceproof \\\\- /${name//-/\\\\-} \\\\- /" \
			-e 's/^\\fI\\,\([a-z]*\) \\\/\\fR\[/.B \1\n[/' -e '1s/.*/.\\" Made by packaging\/manuals.sh from what --help says./' >"$work/$name.1"
}

date=$(date -u ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"} +%Y-%m-%d)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A link whose name has no characters that help2man's shell would mind.
ln -s "$(realpath -- "$program")" "$work/onceproof" || exit 1
extra >"$work/extra"
page onceproof "checks, explores and prices concurrent C code" || exit 1
while IFS=$'\t' read -r name summary; do
	page "onceproof-$name" "$summary" "$name" || exit 1
done < <(commands)
mkdir -p "$folder" && rm -f "$folder"/*.1 && mv "$work"/*.1 "$folder"
