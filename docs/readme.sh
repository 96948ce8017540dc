#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Keeps the examples of README.md and of docs/*.md real. A fenced block under one of these comments belongs to this script:
#   <!-- file: PATH, from REGEX to REGEX -->   lines of a file of the source tree
#   <!-- prototypes: PATH, from REGEX to REGEX -->   of these lines of a header, the functions and macros that have a comment and are not
#                                              private (name_), without their bodies
#   <!-- output: ARGUMENTS -->                 what `onceproof ARGUMENTS` prints, up to the first empty line
# docs/readme.sh --write renews the blocks; docs/readme.sh (or --check) says whether they are still true. Counts and times differ from
# run to run, so the check of an output compares it with the numbers masked.
set -u
root=${ONCEPROOF_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
program=${ONCEPROOF:-$root/onceproof}
[[ ${1:---check} == --check || ${1:-} == --write ]] || { echo "usage: docs/readme.sh [--check|--write]" >&2; exit 2; }
# A build with sanitizers has no explorer, and examples need one.
if [[ ${1:---check} == --check && $program == */bin/onceproof && ! -x ${program%/bin/*}/libexec/onceproof/onceproof-explore ]]; then
	echo "this build has no explorer"
	exit 77
fi

# Examples are run where their paths hold and nothing that they write is left.
work=$(mktemp -d "${TMPDIR:-/tmp}/onceproof-readme.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
ln -s "$root/examples" "$work/examples"

# prototypes: of functions and macros in a header, the comment right above and the line with name and parameters.
prototypes() {
	awk '
	/^\/\*/ { comment = ""; reading = 1 }
	reading { comment = comment $0 "\n"; reading = !/\*\/$/; next }
	comment && /^#define [A-Z_]+\(/ && !/^[^(]*_\(/ { sub(/\).*/, ")"); show($0) }
	comment && sub(/^(static inline|[A-Z]+_(COLD|INLINE)_) /, "") && !/^[^(]*_\(/ { if (!sub(/;$/, "")) { signature = $0; next } show($0 ";") }
	/^\{$/ && signature { show(signature ";") }
	{ comment = signature = "" }
	function show(line) { printf "%s%s%s\n", blank, comment, line; blank = "\n" }'
}

# block COMMENT: prints what its fenced block must hold.
block() {
	local path from to arguments
	case $1 in
	"<!-- file: "*)
		read -r path from to < <(sed 's/^<!-- file: \([^,]*\), from \(.*\) to \(.*\) -->$/\1 \2 \3/' <<<"$1")
		sed -n "/$from/,/$to/p" "$root/$path"
		;;
	"<!-- prototypes: "*)
		read -r path from to < <(sed 's/^<!-- prototypes: \([^,]*\), from \(.*\) to \(.*\) -->$/\1 \2 \3/' <<<"$1")
		sed -n "/$from/,/$to/p" "$root/$path" | prototypes
		;;
	"<!-- output: "*)
		read -r -a arguments < <(sed 's/^<!-- output: \(.*\) -->$/\1/' <<<"$1")
		printf '$ ./onceproof %s\n' "${arguments[*]}"
		# Files of the examples are compiled by one compiler, whichever built the program: interleavings show what it made of them.
		(cd "$work" && CC=gcc "$program" "${arguments[@]}" --color=never) 2>/dev/null | sed '/^$/,$d'
		;;
	esac
}

# renew DOCUMENT: prints it with fresh blocks.
renew() {
	local line comment="" fence=""
	while IFS= read -r line; do
		if [[ -n $fence ]]; then
			[[ $line != '```' ]] || { fence=""; printf '%s\n' "$line"; }
			continue
		fi
		printf '%s\n' "$line"
		if [[ $line == '```'* && -n $comment ]]; then
			block "$comment"
			fence=1 comment=""
		elif [[ $line == "<!-- file: "* || $line == "<!-- prototypes: "* || $line == "<!-- output: "* ]]; then
			comment=$line
		fi
	done <"$1"
}

[[ $(nproc) -gt 1 || ${1:-} == --write ]] || { echo "one core: two threads hardly ever meet here"; exit 77; }
fresh=$work/fresh
mask() {
	sed -E 's/[0-9]+([.,][0-9]+)*/N/g; s/ +/ /g' "$1"
}
status=0
for document in "$root/README.md" "$root"/docs/*.md; do
	renew "$document" >"$fresh"
	if [[ ${1:-} == --write ]]; then
		cat "$fresh" >"$document"
		continue
	fi
	if ! diff <(mask "$document") <(mask "$fresh"); then
		echo "${document#"$root"/}: the examples are not what files and commands say: look at the difference, then docs/readme.sh --write" >&2
		status=1
	fi
	# Code has no numbers that may differ.
	diff <(sed -n '/^```c$/,/^```$/p' "$document") <(sed -n '/^```c$/,/^```$/p' "$fresh") || status=1
done
exit $status
