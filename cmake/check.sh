# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by test scripts: run a command, then say what its status and output must be. A failed expectation is printed and counted;
# the script ends with `finish`.
set -u
failures=0
scratch=$(mktemp -d "${TMPDIR:-/tmp}/onceproof test.XXXXXX")
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT

# run COMMAND...: leaves its exit status in $status, its output in $scratch/out and $scratch/err.
run() {
	ran="$*"
	"$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	status=$?
}

fail() {
	failures=$((failures + 1))
	printf 'FAILED: %s\n  after: %s\n  status: %s\n' "$1" "$ran" "$status"
	sed 's/^/  out: /' "$scratch/out" | head -n 8
	sed 's/^/  err: /' "$scratch/err" | head -n 20
}

# expect_status N: the last command ended with N.
expect_status() {
	[[ $status -eq $1 ]] || fail "exit status $1 expected"
}

# expect_out TEXT, expect_err TEXT: a fixed string that must occur. reject_*: one that must not.
expect_out() {
	grep -qF -- "$1" "$scratch/out" || fail "stdout should have '$1'"
}

expect_err() {
	grep -qF -- "$1" "$scratch/err" || fail "stderr should have '$1'"
}

reject_out() {
	! grep -qF -- "$1" "$scratch/out" || fail "stdout should not have '$1'"
}

reject_err() {
	! grep -qF -- "$1" "$scratch/err" || fail "stderr should not have '$1'"
}

# expect WHAT COMMAND...: a condition of any other kind.
expect() {
	local what=$1
	shift
	"$@" || fail "$what"
}

finish() {
	[[ $failures -eq 0 ]] || { printf '%d expectations failed\n' "$failures"; exit 1; }
	echo "all as expected"
	exit 0
}
