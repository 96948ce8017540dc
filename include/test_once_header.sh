#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# <onceproof/once.h> compiles by itself, in every language standard that it is for, with and without the C library's extensions, without a
# warning; and what was compiled runs.
#
#   test_once_header.sh C_COMPILER CXX_COMPILER     both, and whichever of gcc, g++, clang and clang++ is there
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
warnings=(-Wall -Wextra -Wconversion -Wpedantic -Wshadow -Wcast-qual -Wundef -Wredundant-decls -Werror)
cat >"$scratch/use.c" <<'C'
#include <onceproof/once.h>
struct model {
	int loads;
};
static struct model *load_model(void)
{
	static struct model model;
	model.loads++;
	return &model;
}
ONCE_DEFINE(struct model, the_model, load_model);
ONCE_DEFINE(struct model, the_other, load_model);
ONCE_DECLARE(struct model, the_shared);
ONCE_PROVIDE(struct model, the_shared, load_model);
struct once_in_a_struct {
	struct once once;
};
int main(void)
{
	struct once_in_a_struct one = {ONCE_INIT};
	int loads = the_model()->loads + the_model()->loads + the_other()->loads + the_shared()->loads; /* 1 + 1 + 2 + 3 */
	return loads == 7 && the_model_reset() && !the_model_reset() && !once_peek(&one.once) ? 0 : 1;
}
C
cp "$scratch/use.c" "$scratch/use.cc"

# compiles COMPILER FILE STANDARD OPTIONS...
compiles() {
	run "$1" "-std=$3" "${warnings[@]}" "${@:4}" -I "$ONCEPROOF_SOURCE/include" "$2" -o "$scratch/use" -pthread
	expect_status 0
	[[ $status -ne 0 ]] || run "$scratch/use"
	expect_status 0
	compiled=$((compiled + 1))
}

# each COMMAND...: the compilers among them that are there, each once.
each() {
	local name
	for name in "$@"; do
		type -P "$name"
	done | sort -u
}
# Files that share no object may disagree on ONCE_NO_FUTEX. At -O0 the linker keeps one of all inline functions that have one name.
for side in a b; do
	cat >"$scratch/throws_$side.cc" <<-CC
		$([[ $side == a ]] || echo '#define ONCE_NO_FUTEX')
		#include <onceproof/once.h>
		static int model, throwing = 1;
		static int *load_model()
		{
			if (throwing-- > 0)
				throw 1;
			return &model;
		}
		ONCE_DEFINE(int, the_model, load_model);
		bool retries_$side()
		{
			try {
				the_model();
			} catch (int) {
				return the_model() == &model;
			}
			return false;
		}
		$([[ $side == b ]] || echo 'bool retries_b(); int main() { return retries_a() && retries_b() ? 0 : 1; }')
	CC
done
while read -r compiler; do
	for files in "a b" "b a"; do
		read -r first second <<<"$files"
		run "$compiler" -std=c++11 "${warnings[@]}" -O0 -I "$ONCEPROOF_SOURCE/include" "$scratch/throws_$first.cc" \
			"$scratch/throws_$second.cc" -o "$scratch/throws" -pthread
		expect_status 0
		run timeout 20 "$scratch/throws"
		expect_status 0
	done
done < <(each "$2" g++ clang++)
compiled=0
for way in -UONCE_NO_FUTEX -DONCE_NO_FUTEX; do
	while read -r compiler; do
		for standard in c11 c17 gnu11 gnu17; do
			compiles "$compiler" "$scratch/use.c" $standard $way -O2 -Wmissing-prototypes -Wstrict-prototypes
		done
		compiles "$compiler" "$scratch/use.c" gnu11 $way -O0 -D_GNU_SOURCE -fexceptions
		# Whoever asks for a standard by name gets nothing else; and looking again for no time at all is a choice, too.
		compiles "$compiler" "$scratch/use.c" gnu11 $way -O2 -D_POSIX_C_SOURCE=200809L
		compiles "$compiler" "$scratch/use.c" gnu11 $way -O2 -DONCE_SPIN_NS=0
	done < <(each "$1" gcc clang)
	while read -r compiler; do
		for standard in c++11 c++14 c++17 c++20 gnu++17; do
			compiles "$compiler" "$scratch/use.cc" $standard $way -O2 -Wold-style-cast
		done
		compiles "$compiler" "$scratch/use.cc" c++17 $way -O0 -fno-exceptions -fno-rtti
	done < <(each "$2" g++ clang++)
done
echo "compiled $compiled times"
finish
