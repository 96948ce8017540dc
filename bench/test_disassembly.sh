#!/bin/bash
# SPDX-License-Identifier: MIT
# Reads what the compiler made of every measured loop: each does its operation, and calls nothing but what its implementation
# declares. A loop that calls through a pointer would measure the pointer.
#
#   test_disassembly.sh LIBRARY PRINT_CALLS COMPILER BENCH_LIBRARY PEERS_LIBRARY PRINT_PEER_CALLS
#                                                            check every implementation and peer, then see a bad one fail
set -euo pipefail
library=$1 print_calls=$2 compiler=$3 bench=$4 peers=$5 print_peer_calls=$6
here=$(dirname "$(readlink -f "$0")")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

[ "$(uname -m)" = x86_64 ] || { echo "skipped: reads x86-64 code only"; exit 77; }
command -v objdump > /dev/null || { echo "skipped: objdump is missing (package binutils)"; exit 77; }

# check OBJECT SUBJECT CALLS: complaints on stdout, status 1 if there is one
check()
{
	local loops pointers=0
	case $2 in
	counter/*) loops="counter_loop_increment counter_loop_increment_call>counter_increment_call counter_loop_read_every_100 counter_loop_value" ;;
	initialiser/*) loops="initialiser_loop_get" ;;
	progress/*) loops="progress_loop_step" pointers=1 ;; # it asks the counter and tells the front end: that is its job
	floor/*) loops="floor_loop_load_branch floor_loop_lock_xadd floor_loop_store floor_ping floor_pong" ;;
	*) loops="no_loops_of_$2" ;;
	esac
	objdump -tdr --no-show-raw-insn "$1" | awk -v loops="$loops" -v pointers="$pointers" -v calls="$3" -v subject="$2" -f "$here/check_disassembly.awk"
}

# read_library LIBRARY PRINT_CALLS: every implementation in LIBRARY that the program PRINT_CALLS lists
read_library()
{
	local library=$1 object subject calls candidate found
	while read -r object subject calls; do
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
	done < <("$2")
}

checked=0 status=0
read_library "$library" "$print_calls"
echo "$checked implementations read"
[ "$checked" -ge 10 ] || { echo "too few implementations: is the list broken?"; exit 1; }
read_library "$peers" "$print_peer_calls"
echo "$checked with the peers that are there"
# The loop of an OpenMP region is a function that the compiler names: each of its 64 steps adds to the copy.
object=counter_omp_reduction.c.o
if ar t "$peers" | grep -qx "$object"; then
	mkdir -p "$scratch/member"
	(cd "$scratch/member" && ar x "$peers" "$object")
	additions=$(objdump -d --no-show-raw-insn "$scratch/member/$object" |
		awk '/>:$/ { inside = /_omp_fn|omp_outlined/ } inside && /\t(add +\$0x1,%|inc[lq]? +%)/' | wc -l)
	[ "$additions" -ge 64 ] || { echo "counter/peer_omp_reduction: $additions additions in its regions, not 64"; status=1; }
fi
# What every ratio is to.
mkdir -p "$scratch/member"
(cd "$scratch/member" && ar x "$bench" floors.c.o)
check "$scratch/member/floors.c.o" floor/all load_slowly || status=1
[ "$status" = 0 ] || exit 1
if check "$scratch/member/floors.c.o" floor/all "" > "$scratch/out" || ! grep -q "load_slowly" "$scratch/out"; then
	echo "the floors without their declared call were not complained of"
	exit 1
fi

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
# A progress may call through its pointers, and nothing else that it does not declare.
for name in undeclared pointer; do
	"$compiler" -std=gnu11 -O2 -g -c "$here/bad/$name.c" -o "$scratch/step_$name.o"
	objcopy --redefine-sym counter_loop_increment=progress_loop_step "$scratch/step_$name.o"
done
if check "$scratch/step_undeclared.o" progress/undeclared "" > "$scratch/out" || ! grep -q "calls pthread_mutex_lock" "$scratch/out"; then
	echo "a progress that calls what it does not declare was not complained of"
	exit 1
fi
check "$scratch/step_pointer.o" progress/pointer "" || { echo "a progress may not call through its pointers"; exit 1; }
expect_complaint tail "to elsewhere"
expect_complaint empty "has no operation"
