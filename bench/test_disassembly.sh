#!/bin/bash
# SPDX-License-Identifier: MIT
# Reads what the compiler made of every measured loop: each does its operation, and calls nothing but what its implementation
# declares. A loop that calls through a pointer would measure the pointer.
#
#   test_disassembly.sh LIBRARY PRINT_CALLS COMPILER        check every implementation, then see a bad one fail
set -euo pipefail
library=$1 print_calls=$2 compiler=$3
here=$(dirname "$(readlink -f "$0")")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

[ "$(uname -m)" = x86_64 ] || { echo "skipped: reads x86-64 code only"; exit 77; }
command -v objdump > /dev/null || { echo "skipped: objdump is missing (package binutils)"; exit 77; }

# check OBJECT SUBJECT CALLS: complaints on stdout, status 1 if there is one
check()
{
	local loops
	case $2 in
	counter/*) loops="counter_loop_increment counter_loop_value" ;;
	initialiser/*) loops="initialiser_loop_get" ;;
	*) loops= ;;
	esac
	objdump -tdr --no-show-raw-insn "$1" | awk -v loops="$loops" -v calls="$3" -v subject="$2" -f "$here/check_disassembly.awk"
}

checked=0 status=0
while read -r object subject calls; do
	case $subject in progress/*) continue ;; esac # its step calls the counter and the front end through pointers: that is its job
	# Two families may have a file of the same name: the loops tell them apart.
	found=
	for candidate in $(ar t "$library" | awk -v name="$object" '$0 == name { print NR }'); do
		mkdir -p "$scratch/member"
		(cd "$scratch/member" && ar xN "$(ar t "$library" | head -n "$candidate" | grep -cFx "$object")" "$library" "$object")
		if nm "$scratch/member/$object" | grep -q " ${subject%%/*}_loop_"; then
			found=$scratch/member/$object
			check "$found" "$subject" "$calls" || status=1
		fi
	done
	[ -n "$found" ] || { echo "$subject: no object file $object in $library"; status=1; }
	checked=$((checked + 1))
done < <("$print_calls")
echo "$checked implementations read"
[ "$checked" -ge 10 ] || { echo "too few implementations: is the list broken?"; exit 1; }
[ "$status" = 0 ] || exit 1

# A function of the same file that is not declared must be seen, in whatever section the compiler put it.
(cd "$scratch/member" && ar x "$library" 90_futex.c.o)
if check "$scratch/member/90_futex.c.o" initialiser/futex "" > "$scratch/out" || ! grep -q "initialiser_load_slowly" "$scratch/out"; then
	echo "initialiser/futex without its declared calls was not complained of"
	exit 1
fi

# Each kind of bad file must be seen. expect_complaint FILE WORDS CALLS
expect_complaint()
{
	"$compiler" -std=gnu11 -O2 -g -c "$here/bad/$1.c" -o "$scratch/$1.o"
	if check "$scratch/$1.o" "counter/$1" "${3-}" > "$scratch/out"; then
		echo "bad/$1.c was not complained of"
		exit 1
	fi
	grep -q -- "$2" "$scratch/out" || { echo "bad/$1.c: no '$2' among:"; cat "$scratch/out"; exit 1; }
	echo "bad/$1.c: $(head -n 1 "$scratch/out")"
}
expect_complaint pointer "calls through a pointer"
expect_complaint undeclared "calls pthread_mutex_lock"
expect_complaint undeclared "calls pthread_mutex_unlock" "pthread_mutex_lock"
expect_complaint tail "to elsewhere"
expect_complaint empty "has no operation"
