#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# <onceproof/once.h> in several files of one program: those that share no object may disagree on ONCE_NO_FUTEX, and those that share one may
# be of C and of C++; also where the linker sees types and bodies of all (-flto), and without a word from it.
#
#   test_once_files.sh C_COMPILER CXX_COMPILER     both, and whichever of gcc, g++, clang and clang++ is there
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
. "$ONCEPROOF_SOURCE/include/compilers.sh"
cd "$scratch" || exit 1

# At -O0 the linker keeps one of all inline functions that have one name.
for side in a b; do
	cat >"throws_$side.cc" <<-CC
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
		bool retries_$side();
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
cat >shared.h <<'H'
#include <onceproof/once.h>
struct model {
	int loads;
	const char *name;
};
#ifdef __cplusplus
extern "C" {
#endif
struct model *from_c(void);
struct model *from_cxx(void);
struct model *reset_from_cxx(void);
#ifdef __cplusplus
}
#endif
ONCE_DECLARE(struct model, the_model);
H
cat >provider.c <<'C'
#include "shared.h"
static struct model model;
static struct model *load_model(void)
{
	model.loads++;
	return &model;
}
ONCE_PROVIDE(struct model, the_model, load_model);
struct model *from_c(void)
{
	return the_model();
}
int main(void)
{
	if (from_cxx() != from_c() || model.loads != 1 || reset_from_cxx() != &model || the_model_reset())
		return 1;
	return from_c() == from_cxx() && model.loads == 2 ? 0 : 1;
}
C
cat >user.cc <<'CC'
#include "shared.h"
struct model *from_cxx()
{
	return the_model();
}
struct model *reset_from_cxx()
{
	return the_model_reset();
}
CC

# shares CC CXX LINK_OPTION OPTIONS...: the two languages share an object.
shares() {
	run "$1" -std=gnu11 -I "$ONCEPROOF_SOURCE/include" "${warnings[@]}" "${@:4}" -c provider.c -o provider.o
	expect_status 0
	run "$2" -std=c++11 -I "$ONCEPROOF_SOURCE/include" "${warnings[@]}" "${@:4}" -c user.cc -o user.o
	expect_status 0
	links "$2" "${warnings[@]}" "$3" "${@:4}" provider.o user.o
}

# links COMMAND...: makes a program without a word, and runs it.
links() {
	run "$@" -o program -pthread
	expect_status 0
	expect "nothing to complain of" [ ! -s err ]
	run timeout 20 ./program
	ran="$* -- its program"
	expect_status 0
	linked=$((linked + 1))
}
linked=0
# for_lto COMPILER: what makes it link by -flto. gcc's ld has gcc's plugin; clang's files are for lld. Nothing: not here.
for_lto() {
	case $("$1" --version) in
	*clang*) ! type -P ld.lld >/dev/null || echo -fuse-ld=lld ;;
	*) echo -fuse-ld=bfd ;;
	esac
}
pairs=("gcc g++" "clang clang++" "$1 $2")
for pair in "${pairs[@]}"; do
	read -r cc cxx <<<"$pair"
	type -P "$cc" >/dev/null && type -P "$cxx" >/dev/null || continue
	linker=$(for_lto "$cxx")
	for way in -UONCE_NO_FUTEX -DONCE_NO_FUTEX; do
		shares "$cc" "$cxx" -pthread $way -O0
		[[ -z $linker ]] || shares "$cc" "$cxx" "$linker" $way -O2 -flto
	done
	for options in -O0 ${linker:+"-O2 -flto $linker"}; do
		for files in "throws_a.cc throws_b.cc" "throws_b.cc throws_a.cc"; do
			# shellcheck disable=SC2086 # words
			links "$cxx" -std=c++11 -I "$ONCEPROOF_SOURCE/include" "${warnings[@]}" $options $files
		done
	done
done
echo "linked $linked ways"
expect "several ways" [ "$linked" -ge 6 ]
finish
