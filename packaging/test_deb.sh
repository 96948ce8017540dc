#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The .deb by CPack: what it says of itself, and that its program works, unpacked, without source tree and build folder.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
. "$ONCEPROOF_SOURCE/packaging/hidden.sh"
[[ -x $ONCEPROOF_BUILD/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }
for tool in cpack dpkg-deb dpkg-shlibdeps file; do
	type -P "$tool" >/dev/null || { echo "$tool is not installed"; exit 77; }
done
unset CC CXX
export XDG_CACHE_HOME="$scratch/cache"
cd "$scratch" || exit 1
run cpack -G DEB --config "$ONCEPROOF_BUILD/CPackConfig.cmake" -B "$scratch/made"
expect_status 0
deb=$(find made -maxdepth 1 -name 'onceproof_*.deb')
expect "one package" [ -f "$deb" ]

# --- what it says of itself
run dpkg-deb -f "$deb"
expect_out "Package: onceproof"
expect_out "Version: $("$ONCEPROOF" --version | sed 's/.* //')-1"
expect_out "Architecture: $(dpkg --print-architecture)"
for package in libc6 libjansson4 libdw1 libelf1 libexpat1 'gcc | clang' binutils libc6-dev; do
	expect "it should depend on $package" grep -qE "^Depends:.* ${package/|/\\|}( \(|,|\$)" "$scratch/out"
done
expect "what only the build or tests need is no dependency" test -z "$(grep -E '^Depends:.*(cmocka|libjs|python|jq)' "$scratch/out")"
run dpkg-deb -c "$deb"
expect "everything belongs to root" test -z "$(grep -v ' root/root ' "$scratch/out")"
expect "nobody else may write" test -z "$(grep -E '^.(.{4}w|.{7}w)' "$scratch/out")"

# --- unpacked, it works
run dpkg-deb -x "$deb" "$scratch/root"
expect_status 0
for file in bin/onceproof include/onceproof.h share/doc/onceproof/copyright share/doc/onceproof/changelog.gz share/doc/onceproof/changelog.Debian.gz \
	share/bash-completion/completions/onceproof share/zsh/vendor-completions/_onceproof share/pkgconfig/onceproof.pc; do
	expect "it should have $file" [ -s "$scratch/root/usr/$file" ]
done
mentions_of_home "$scratch/root" >"$scratch/out"
expect "nothing in it should mention the source tree or the build folder" [ ! -s "$scratch/out" ]
onceproof=$scratch/root/usr/bin/onceproof
cp -r "$scratch/root/usr/share/doc/onceproof/examples/project" "$scratch/project"
cd "$scratch/project" || exit 1
run hidden "$onceproof" check checks/first_use.c before/words.c -- -I.
expect_status 1
expect_out "before/words.c"
run hidden "$onceproof" check checks/first_use.c after/words.c --engine=all -- -I.
expect_status 0
run hidden "$onceproof" check checks/counting.c after/progress.c -- -I.
expect_status 0
run hidden "$onceproof" stress counter/naive/two_increments --engine=tsan
expect_status 0
run hidden "$onceproof" explore counter/load_store/two_increments --color=never
expect_out "atomic_store_explicit(&c->value, step,"

# --- a machine without the compiler that built it, and one without any
mkdir "$scratch/tools"
for tool in clang ld objcopy as; do
	found=$(type -P "$tool") && ln -s "$found" "$scratch/tools/$tool"
done
# In the cache it may stand as it was given, without its folder.
compiler=$(type -P "$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$ONCEPROOF_BUILD/CMakeCache.txt")")
if [[ -e $scratch/tools/clang && -n $compiler && $compiler != */clang* ]] && unshare --user --map-root-user --mount true 2>/dev/null; then
	run unshare --user --map-root-user --mount bash -c 'mount --bind /dev/null "$(realpath "$1")" && shift && PATH=$1 && shift && exec "$@"' \
		bash "$compiler" "$scratch/tools" "$onceproof" check checks/first_use.c after/words.c --no-cache -- -I.
	expect_status 0
	expect_err "using clang"
	expect_out "clang"
fi
finish
