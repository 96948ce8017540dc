#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The suite of small programs in pairs: NN_topic_name.c has a bug, and with -DFIXED it has not. Each names the kinds of finding that show
# its bug ("Finds").
#
#   suite.sh test [PART PARTS]     `onceproof check` with its default options finds every bug, accuses no fix, and takes at most 10 s each
#   suite.sh table [--write]       the same beside ThreadSanitizer (three runs), helgrind and drd, as a Markdown table on stdout or in
#                                  docs/check-suite.md. Takes some minutes.
#
# ONCEPROOF names the program (default: build/bin/onceproof).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
onceproof=${ONCEPROOF:-$root/build/bin/onceproof}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
limit_s=10 tool_limit_s=20

kinds_of() { sed -n 's/^ \* Finds  //p' "$1"; }
topic_of() { basename "$1" .c; }

# check FILE FLAGS...: prints "VERDICT KIND… SECONDS", from the outcome of `onceproof check`.
check() {
	local file=$1 status=0 started=$EPOCHREALTIME
	shift
	(cd "$here" && "$onceproof" check "$(basename "$file")" --seed=1 --no-cache --witness="$work/witness" --json="$work/result.json" -q -- "$@") \
		>"$work/out" 2>"$work/err" || status=$?
	local took
	took=$(awk -v from="$started" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }')
	if [ ! -s "$work/result.json" ]; then
		echo "error-$status - $took"
		head -n 3 "$work/err" >&2
		return
	fi
	jq -r --arg status "$status" --arg took "$took" '
		([.results[] | select(.verdict == "bug") | .findings[].kind] | unique | join(",")) as $kinds |
		"\({"0": "clean", "1": "bug", "3": "inconclusive"}[$status] // ("exit-" + $status)) \(if $kinds == "" then "-" else $kinds end) \($took)"' \
		"$work/result.json"
	rm -f "$work/result.json"
}

# expected KINDS FOUND: is one of the kinds that were found among those that show the bug?
expected() {
	local kind
	for kind in ${2//,/ }; do
		[[ " $1 " == *" $kind "* ]] && return
	done
	return 1
}

test_pairs() {
	local part=$1 parts=$2 n=0 wrong=0 file verdict kinds took
	[ -e "$(dirname "$onceproof")/../libexec/onceproof/explore_program.o" ] || { echo "this build has no explored code"; exit 77; }
	for file in "$here"/[0-9]*.c; do
		n=$((n + 1))
		[ $((n % parts)) = $((part - 1)) ] || continue
		for flag in "" -DFIXED; do
			read -r verdict kinds took < <(check "$file" $flag)
			local said=ok
			if [ -z "$flag" ]; then
				[ "$verdict" = bug ] || said="MISSED"
				expected "$(kinds_of "$file")" "$kinds" || said="MISSED: none of $(kinds_of "$file")"
			else
				[ "$verdict" = clean ] || said="ACCUSED, or not decided"
			fi
			awk -v took="$took" -v limit=$limit_s 'BEGIN { exit !(took > limit) }' && echo "slow: $took s"
			printf '%-36s %-8s %-13s %-40s %5s s  %s\n' "$(topic_of "$file")" "${flag:+fixed}" "$verdict" "$kinds" "$took" "$said"
			[ "$said" = ok ] || wrong=$((wrong + 1))
		done
	done
	[ "$n" -ge 60 ] || { echo "FAILED: only $n pairs"; exit 1; }
	[ "$wrong" = 0 ] || { echo "FAILED: $wrong wrong answers"; exit 1; }
}

# native WORDS...: what a run under a tool came to: reported, silent, hangs (its time is over), fails (the program itself: an assertion, a
# crash, a status).
run_tool() {
	local status=0
	timeout -k 1 $tool_limit_s "$@" >"$work/tool.out" 2>&1 </dev/null || status=$?
	case $status in
	0) echo silent ;;
	66) echo reported ;;
	124 | 137) echo hangs ;;
	*) echo fails ;;
	esac
}

tsan() {
	local file=$1 answer=silent run
	shift
	gcc -O1 -g -fsanitize=thread -pthread "$@" "$file" -o "$work/tsan" 2>/dev/null || { echo "does not build"; return; }
	for run in 1 2 3; do
		answer=$(TSAN_OPTIONS=exitcode=66 run_tool setarch -R "$work/tsan")
		[ "$answer" = silent ] || break
	done
	echo "$answer"
}

valgrind_tool() {
	local tool=$1 file=$2
	shift 2
	gcc -O1 -g -pthread "$@" "$file" -o "$work/native" 2>/dev/null || { echo "does not build"; return; }
	run_tool valgrind -q --tool="$tool" --error-exitcode=66 "$work/native"
}

table() {
	local file flag verdict kinds took cell
	local -A found accused
	echo '# The suite of pairs: what each tool says'
	echo
	echo 'Written by `stress/check/suite/suite.sh table --write`. Each program of `stress/check/suite/` has a bug, and with `-DFIXED` it has not.'
	echo 'A cell says what the tool says of the bug, then of the fix. *reported*: the tool reports something; *fails*: the program itself'
	echo 'fails in that run (an assertion, a crash, its exit status), without a report; *hangs*: it did not end within 20 s; *silent*: neither.'
	echo '`onceproof check` has its default options; ThreadSanitizer has three runs of which the first that is not silent counts, helgrind and'
	echo 'drd one. Sampling tools may answer differently on another machine.'
	echo
	echo '| pair | onceproof check | ThreadSanitizer | helgrind | drd |'
	echo '|---|---|---|---|---|'
	for file in "$here"/[0-9]*.c; do
		local row="| $(topic_of "$file")"
		read -r verdict kinds took < <(check "$file")
		expected "$(kinds_of "$file")" "$kinds" && found[check]=$((${found[check]:-0} + 1))
		cell="${kinds//,/, }"
		read -r verdict kinds took < <(check "$file" -DFIXED)
		[ "$verdict" = bug ] && accused[check]=$((${accused[check]:-0} + 1))
		row+=" | $cell; $verdict"
		for tool in tsan helgrind drd; do
			if [ $tool = tsan ]; then
				cell=$(tsan "$file") flag=$(tsan "$file" -DFIXED)
			else
				cell=$(valgrind_tool $tool "$file") flag=$(valgrind_tool $tool "$file" -DFIXED)
			fi
			[ "$cell" = reported ] && found[$tool]=$((${found[$tool]:-0} + 1))
			[ "$flag" = reported ] && accused[$tool]=$((${accused[$tool]:-0} + 1))
			row+=" | $cell; $flag"
		done
		echo "$row |"
	done
	local n
	n=$(ls "$here"/[0-9]*.c | wc -l)
	printf '| **bugs found, of %s** | %s | %s | %s | %s |\n' "$n" "${found[check]:-0}" "${found[tsan]:-0}" "${found[helgrind]:-0}" "${found[drd]:-0}"
	printf '| **fixes accused, of %s** | %s | %s | %s | %s |\n' "$n" "${accused[check]:-0}" "${accused[tsan]:-0}" "${accused[helgrind]:-0}" "${accused[drd]:-0}"
	echo
	echo "$("$onceproof" --version | head -n 1); $(gcc --version | head -n 1); $(valgrind --version)."
}

case ${1:-test} in
test) test_pairs "${2:-1}" "${3:-1}" ;;
table)
	if [ "${2:-}" = --write ]; then
		table >"$work/table.md"
		mv "$work/table.md" "$root/docs/check-suite.md"
	else
		table
	fi
	;;
*)
	echo "usage: suite.sh test [PART PARTS] | table [--write]" >&2
	exit 2
	;;
esac
