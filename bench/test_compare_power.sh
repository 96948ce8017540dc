#!/bin/bash
# SPDX-License-Identifier: MIT
# What `bench --compare` says of real saves: of a build with itself nothing, in ROUNDS of ROUNDS comparisons; of a slowdown twice the
# smallest visible one, that it is there, in ROUNDS of ROUNDS. The slowdown is real work in a counter of the user's, as much of it as
# the figure `smallest_visible` asks for. Wants an idle machine; says so when it has none.
#
#   test_compare_power.sh ONCEPROOF [ROUNDS]
set -euo pipefail
onceproof=$1 rounds=${2:-20}
command -v jq > /dev/null || { echo "skipped: jq is missing"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export XDG_DATA_HOME=$scratch/data
row=counter/planted/increment/threads:1
work=400 # rounds of a multiplication: about half a microsecond
# What is compared: the planted counter, and others that nobody changes.
filter=(counter/planted/increment counter/atomic/increment counter/sharded_store/increment 'initialiser/atomic/get')

# planted FILE ROUNDS: the atomic counter, with so much work before it counts
planted()
{
	sed -e 's/_EXPORT(atomic/_EXPORT(planted/' \
		-e "s|^#include \"counter.h\"|&\\nstatic uint64_t worked(uint64_t x)\\n{\\n\\tfor (unsigned i = 0; i < $2; i++)\\n\\t\\tx = x * 6364136223846793005u + i;\\n\\treturn x;\\n}|" \
		-e 's|^\t(void)seat;\n\t/\* relaxed: the count|&|' \
		-e 's|return atomic_fetch_add_explicit(&c->value, 1, memory_order_relaxed) + 1;|uint64_t x = worked((uintptr_t)seat);\n\t__asm__ volatile("" : : "r"(x));\n\t&|' \
		"$ONCEPROOF_SOURCE/impl/counter/40_atomic.c" > "$1"
	grep -q 'worked((uintptr_t)seat)' "$1" || { echo "FAILED: the work was not planted" >&2; exit 1; }
}

# save NAME FILE
save()
{
	"$onceproof" bench --quick --threads 1,2 -q --save "$1" --counter "$2" "${filter[@]}" > /dev/null
}

# compare A B REPORT: its exit status matters to nobody here
compare()
{
	"$onceproof" bench --compare "$1" "$2" -q --json "$3" > /dev/null 2>&1 || [ $? != 2 ]
}

# of REPORT KEY: of the planted row
of()
{
	jq -r --arg row $row --arg key "$2" '.comparisons.rows[] | select(.name == $row) | .[$key]' "$1"
}

median()
{
	sort -g | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

mkdir "$scratch/more" "$scratch/double"
planted "$scratch/planted.c" $work
planted "$scratch/double/planted.c" $((2 * work))
reported=0 loaded=0
save base_0 "$scratch/planted.c"
for (( i = 1; i <= rounds; i++ )); do
	save base_$i "$scratch/planted.c"
	compare base_$((i - 1)) base_$i "$scratch/same_$i.json"
	if [ "$(jq '.comparisons | .slower + .faster' "$scratch/same_$i.json")" != 0 ]; then
		reported=$((reported + 1))
		jq -r '.comparisons.rows[] | select(.verdict == "slower" or .verdict == "faster") | "\(.name) \(.verdict) \(.change) p \(.p_corrected)"' \
			"$scratch/same_$i.json"
	fi
	[ "$(jq '.comparisons | .a.loaded or .b.loaded' "$scratch/same_$i.json")" = false ] || loaded=$((loaded + 1))
done
rows=$(jq '.comparisons.tested' "$scratch/same_1.json")
visible=$(for (( i = 1; i <= rounds; i++ )); do of "$scratch/same_$i.json" smallest_visible; done | median)
[ $loaded = 0 ] || echo "the machine was loaded in $loaded of $rounds comparisons"
echo "a build with itself, $rows rows: something was reported in $reported of $rounds comparisons"

# How much work that is: from what twice the work costs.
save double "$scratch/double/planted.c"
compare base_0 double "$scratch/double.json"
extra=$(of "$scratch/double.json" change | awk -v work=$work -v visible="$visible" '{ n = 2 * visible / $1 * work; print int(n) + (n > int(n)) }')
planted "$scratch/more/planted.c" $((work + extra))
seen=0
for (( i = 1; i <= rounds; i++ )); do
	save more "$scratch/more/planted.c"
	compare base_$i more "$scratch/more_$i.json"
	[ "$(of "$scratch/more_$i.json" verdict)" != slower ] || seen=$((seen + 1))
done
change=$(for (( i = 1; i <= rounds; i++ )); do of "$scratch/more_$i.json" change; done | median)
awk -v v="$visible" -v c="$change" -v e="$extra" -v w=$work -v s=$seen -v r="$rounds" 'BEGIN {
	printf "smallest visible slowdown %.1f %%; planted %d of %d rounds of work, which is %.1f %%: reported in %d of %d comparisons\n",
		100 * v, e, w, 100 * c, s, r }'
[ $reported = 0 ] && [ $seen = "$rounds" ]
