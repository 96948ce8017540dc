#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The git hook in a repository of its own: what is staged decides.
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
[[ -x $ONCEPROOF_BUILD/libexec/onceproof/onceproof-explore ]] || { echo "this build has no explorer"; exit 77; }
hook=$ONCEPROOF_SOURCE/examples/pre-commit/pre-commit
project=$ONCEPROOF_SOURCE/examples/project
unset "${!GIT_@}"
export GIT_CONFIG_GLOBAL=$scratch/gitconfig GIT_CONFIG_NOSYSTEM=1 XDG_CACHE_HOME=$scratch/cache TMPDIR="$scratch/private"
mkdir "$scratch/repository" "$TMPDIR" && cd "$scratch/repository" || exit 1
git init -q .
git config user.name tester && git config user.email tester@example.org
git config onceproof.program "$ONCEPROOF"
ln -s "$hook" .git/hooks/pre-commit

# commits N: there are so many commits, and the hook left nothing behind.
commits() {
	expect "$1 commits" [ "$(git rev-list --count --all)" -eq "$1" ]
	expect "no private folder should be left" [ -z "$(ls -A "$TMPDIR")" ]
}

# --- nothing to check
echo notes >notes.txt && git add notes.txt
run git commit -qm notes
expect_status 0
commits 1

# --- a program with a bug stops the commit; its fix goes through
cp "$ONCEPROOF_SOURCE/examples/scenario/counter.c" counter.c && git add counter.c
run git commit -qm bug
expect_status 1
expect_err "counter.c"
expect_err "nothing orders the two"
expect_err "the commit was stopped"
commits 1
cp "$ONCEPROOF_SOURCE/examples/scenario/counter_fixed.c" counter.c && git add counter.c
run git commit -qm fixed
expect_status 0
expect_err "counter.c: "
commits 2

# --- what is staged counts: a fix only in the work tree does not help, a bug only there does not harm
cp "$ONCEPROOF_SOURCE/examples/scenario/counter.c" counter.c && git add counter.c
cp "$ONCEPROOF_SOURCE/examples/scenario/counter_fixed.c" counter.c
run git commit -qm "partially staged"
expect_status 1
commits 2
git reset -q
echo "/* more */" >>counter.c && git add counter.c
cp "$ONCEPROOF_SOURCE/examples/scenario/counter.c" counter.c
run git commit -qm "partially staged"
expect_status 0
commits 3
expect "the work tree is as it was" cmp -s counter.c "$ONCEPROOF_SOURCE/examples/scenario/counter.c"
git checkout -q counter.c

# --- a program of several files: a change of any of them is a change of the program
cp -r "$project"/{before,checks,words.h,progress.h} .
echo 'checks/first_use.c before/words.c -- -I.' >.onceproof
git config onceproof.flags -I.
git rm -q --cached counter.c && git add .onceproof before/words.c checks/first_use.c words.h
run git commit -qm program
expect_status 1
expect_err "words.c"
commits 3
cp "$project/after/words.c" before/words.c && git add before/words.c
run git commit -qm program
expect_status 0
expect_err "checks/first_use.c: "
commits 4

# --- names as pre-commit.com gives them, a name that looks like an option, a file that does not compile
cp "$ONCEPROOF_SOURCE/examples/scenario/counter.c" ./-c.c && git add -- -c.c
run "$hook" -- -c.c
expect_status 1
expect_err "nothing orders the two"
git rm -q -f -- -c.c
echo 'int main(void) { return nothing; }' >broken.c && git add broken.c
run git commit -qm broken
expect_status 1
expect_err "nothing"
git rm -q -f broken.c

# --- without the program nothing is said to be checked
git config onceproof.program "$scratch/missing"
cp "$ONCEPROOF_SOURCE/examples/scenario/counter.c" other.c && git add other.c
run git commit -qm "no program"
expect_status 1
commits 4
finish
