# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by tests of what is installed: run a command where neither the source tree nor the build folder is there.

# With a mount namespace both are covered by empty folders, for this command only.
if unshare --user --map-root-user --mount true 2>/dev/null; then
	hidden() {
		unshare --user --map-root-user --mount bash -c 'for folder in "${@:1:2}"; do
			[[ ! -d $folder ]] || mount -t tmpfs none "$folder" || exit 99
		done
		cd / && cd "$OLDPWD" && shift 2 && exec "$@"' hidden "${ONCEPROOF_SOURCE:?}" "${ONCEPROOF_BUILD:?}" "$@"
	}
else
	echo "no mount namespace can be made here: the source tree stays visible; what mentions its path is looked for all the same"
	hidden() {
		"$@"
	}
fi

# Prints the installed files below FOLDER that have the path of the source tree or of the build folder in what is loaded or read. Debug
# information names the folder that the compiler ran in; nothing looks there.
mentions_of_home() {
	local file bare path
	bare=$(mktemp)
	find "$1" -type f | while IFS= read -r file; do
		cp "$file" "$bare"
		objdump -f "$file" >/dev/null 2>&1 && objcopy --strip-debug "$file" "$bare"
		for path in "${ONCEPROOF_SOURCE:?}/" "${ONCEPROOF_BUILD:?}/"; do
			if grep -qaF -- "$path" "$bare"; then echo "$file"; fi
		done
	done
	rm -f "$bare"
}
