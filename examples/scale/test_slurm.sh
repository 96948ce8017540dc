#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples/scale/slurm_*, on a Slurm cluster of one node that this script brings up for itself: daemons, keys, sockets and ports of its own,
# nothing of the system's, all gone afterwards.
. "${ONCEPROOF_SOURCE:?}/examples/scale/common.sh"
needs munged slurmctld slurmd sbatch srun
PATH=$PATH:/usr/sbin
# Sockets have short paths.
cluster=$(mktemp -d /tmp/onceproof-slurm.XXXXXX)
daemons=()

bring_down() {
	local pid
	scancel --quiet --me 2>/dev/null
	for pid in "${daemons[@]}"; do kill "$pid" 2>/dev/null; done
	for pid in "${daemons[@]}"; do wait "$pid" 2>/dev/null; done
	rm -rf "$cluster" "$scratch"
}
trap bring_down EXIT

give_up() {
	tail -n 20 "$cluster"/*.log
	echo "FAILED: $1"
	exit 1
}

# within SECONDS COMMAND...: until it succeeds.
within() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[[ $SECONDS -lt $until ]] || return 1
		sleep 0.2
	done
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

me=$(id -un) node=$(hostname -s)
chmod 755 "$cluster"
head -c 1024 /dev/urandom >"$cluster/munge.key"
chmod 400 "$cluster/munge.key"
mkdir "$cluster/state" "$cluster/spool"
cat >"$cluster/slurm.conf" <<END
ClusterName=onceproof
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/munge
AuthInfo=socket=$cluster/munge.socket
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
NodeName=$node NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$cluster/slurm.conf
munged --foreground --force --num-threads=2 --key-file="$cluster/munge.key" --socket="$cluster/munge.socket" --pid-file="$cluster/munged.pid" \
	--log-file="$cluster/munged.log" --seed-file="$cluster/munge.seed" >"$cluster/munge.out.log" 2>&1 &
daemons+=($!)
within 20 test -S "$cluster/munge.socket" || give_up "munged does not start"
slurmctld -D -L "$cluster/slurmctld.log" >/dev/null 2>&1 &
daemons+=($!)
slurmd -D -N "$node" -L "$cluster/slurmd.log" >/dev/null 2>&1 &
daemons+=($!)
idle() { [[ $(sinfo --noheader --format=%T) == idle ]]; }
within 60 idle || give_up "the node does not come up: $(sinfo 2>&1)"

over() { [[ -z $(squeue --noheader --me 2>&1) ]]; }
whole
run "$scale/slurm_submit.sh" "$shards" results "${explored[@]}"
expect_status 0
within 120 over || give_up "the jobs do not end: $(squeue 2>&1)"
expect "a task says which shard it is" grep -q -- "--shard=auto: shard 3/$shards, by SLURM_ARRAY_TASK_ID=3 (a task of a Slurm array)" results/3.log
expect "the merge went well" test -s results/whole.json
merged results
lost results

# The lost one again, by hand; and one that fails: the merge behind it names it.
sbatch --quiet --output=again.log --export="ALL,ONCEPROOF_SHARD=2,ONCEPROOF_SHARDS=$shards" "$scale/slurm_shards.sbatch" "$scratch/results" \
	"${explored[@]}"
within 120 over || give_up "the job does not end: $(squeue 2>&1)"
run "$ONCEPROOF" merge results/[0-9]*.json --json results/whole.json
expect_status 0
merged results
cat >broken <<END
#!/usr/bin/env bash
[[ \$1 != explore || \$SLURM_ARRAY_TASK_ID != 2 ]] || exit 9
exec "$ONCEPROOF" "\$@"
END
chmod +x broken
ONCEPROOF=$scratch/broken "$scale/slurm_submit.sh" "$shards" holes "${explored[@]}" >/dev/null
within 120 over || give_up "the jobs do not end: $(squeue 2>&1)"
expect "the merge names the lost task" grep -q "shard 2/$shards of counter/mutex two_increments is missing" holes/merge.log

# Tasks of one step.
mkdir steps
# shellcheck disable=SC2016
run srun --ntasks="$shards" --overcommit bash -c '"$ONCEPROOF" explore -q "$@" --seed 1 --shard=auto --witness "steps/w$SLURM_PROCID" \
	--json "steps/$SLURM_PROCID.json"; [[ $? == [013] ]]' step "${explored[@]}"
expect_status 0
expect_err "by SLURM_PROCID=2 (a task of a Slurm step)"
run "$ONCEPROOF" merge steps/[0-9]*.json --json steps/whole.json
merged steps
finish
