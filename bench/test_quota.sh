#!/bin/bash
# SPDX-License-Identifier: MIT
# A real CPU quota: a control group of our own, made and removed here, in which a watch must see that it was stopped. Needs the right to make
# one, which containers seldom have.
#
#   test_quota.sh TEST_MACHINE
set -uo pipefail
program=$1 group='' quota=''

skip()
{
	echo "skipped: $*"
	exit 77
}

# The group that we are in, of the layout that has the cpu controller.
while IFS=: read -r _ controllers path; do
	case ",$controllers," in
	*,cpu,*) [ -w "/sys/fs/cgroup/$controllers$path/cgroup.procs" ] && group=/sys/fs/cgroup/$controllers${path%/} ;;
	,,) [ -z "$group" ] && [ -w "/sys/fs/cgroup$path/cgroup.procs" ] && group=/sys/fs/cgroup${path%/} ;;
	esac
done < /proc/self/cgroup
[ -n "$group" ] || skip "no control group that we may write to"
own=$group/onceproof-test-$$
mkdir "$own" 2> /dev/null || skip "no control group can be made in $group"
trap 'rmdir "$own"' EXIT
if [ -w "$own/cpu.cfs_quota_us" ]; then
	quota=$own/cpu.cfs_quota_us value=20000
elif [ -w "$own/cpu.max" ]; then
	quota=$own/cpu.max value='20000 100000'
else
	skip "$own has no cpu controller"
fi
echo "$value" > "$quota" 2> /dev/null || skip "no quota can be set in $own"
# The subshell enters, so that this shell stays outside and can remove the group.
(echo "$BASHPID" > "$own/cgroup.procs" && exec "$program" --quota)
