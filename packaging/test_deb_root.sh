#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The .deb installed by apt into a fresh Debian: its dependencies are enough. Needs root, debootstrap and a mirror.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
[[ -x $ONCEPROOF_BUILD/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }
for tool in cpack debootstrap dpkg-shlibdeps file; do
	type -P "$tool" >/dev/null || { echo "$tool is not installed"; exit 77; }
done
[[ $EUID -eq 0 ]] || { echo "only root can make a file system"; exit 77; }
. /etc/os-release
[[ ${ID:-} == debian && -n ${VERSION_CODENAME:-} ]] || { echo "the package is for the system that it was built on, and that is no Debian"; exit 77; }
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $VERSION_CODENAME" 2>/dev/null | head -n 1)
run cpack -G DEB --config "$ONCEPROOF_BUILD/CPackConfig.cmake" -B "$scratch/made"
expect_status 0
# debootstrap takes no blank in a path.
root=$(mktemp -d "${TMPDIR:-/tmp}/onceproof-root.XXXXXX")
trap 'rm -rf --one-file-system "$root" "$scratch"' EXIT
if ! debootstrap --variant=minbase "$VERSION_CODENAME" "$root" ${mirror:+"$mirror"} >"$scratch/log" 2>&1; then
	tail -n 3 "$scratch/log"
	echo "no Debian could be made here"
	exit 77
fi
cp "$scratch"/made/onceproof_*.deb "$root/tmp/onceproof.deb"
cp -r "$ONCEPROOF_SOURCE/examples/project" "$root/project"

# inside COMMAND: in the new system, with a /proc that goes with it.
inside() {
	run unshare --mount --pid --fork chroot "$root" bash -c "mount -t proc proc /proc; cd /project; $1"
}
inside 'apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends /tmp/onceproof.deb'
expect_status 0
inside 'onceproof check checks/first_use.c before/words.c -- -I.'
expect_status 1
expect_out "before/words.c"
inside 'onceproof check checks/first_use.c after/words.c -- -I.'
expect_status 0
inside 'onceproof doctor'
expect_status 0
expect_out "explore                two_increments: naive goes red, atomic stays green"
inside 'apt-get -q -y remove onceproof && ! test -e /usr/libexec/onceproof'
expect_status 0
finish
