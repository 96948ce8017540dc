#!/bin/bash
# SPDX-License-Identifier: MIT
# Parallel equals serial, file by file, for every correct choice: each part is varied on its own, against the same serial run. Which parts
# are correct, as far as the files of a batch can tell, is read from what they claim.
set -u
work=$(mktemp -d) || exit 2
cd "$work" || exit 2
trap 'rm -rf "$work"' EXIT
printf 'one\ntwo\n   \nfo\xffur\nfive\n' >five.txt
# In a build with a race detector: this is about bytes, and that of gcc 12 does not know call_once.
export TSAN_OPTIONS="report_bugs=0 ${TSAN_OPTIONS-}"
python3 - "$ONCEPROOF" <<'END_OF_PYTHON'
import filecmp, json, os, subprocess, sys

program = sys.argv[1]
needed = {
	"initialiser": {"same_instance", "fully_published", "race_free"},
	"counter": {"no_lost_update", "exact_at_rest", "race_free"},
	"progress": {"never_backwards", "last_is_total", "race_free"},
}
base = {"initialiser": "mutex", "counter": "atomic", "progress": "sampler"}
listed = json.loads(subprocess.run([program, "list", "--json", "-"], stdout=subprocess.PIPE, check=True).stdout)
choices = []
for one in listed["implementations"]:
	family, name = one["subject"].split("/")
	if needed[family] <= set(one["promises"]["claimed"]):
		choices.append(dict(base, **{family: name}))

def run(directory, choice, *more):
	command = [program, "run", "--force", "--out", directory, "--seed", "1"]
	for family, name in choice.items():
		command += ["--" + family, name]
	return subprocess.run(command + list(more), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

def results(directory):
	"""What was done with each item; who did it and how long it took may differ."""
	lines = [json.loads(line) for line in open(directory + "/results.jsonl")]
	return sorted(tuple(sorted((k, v) for k, v in line.items() if k not in ("worker", "ms"))) for line in lines)

def totals(directory):
	summary = json.load(open(directory + "/summary.json"))
	return {key: summary[key] for key in ("items", "done", "failed", "failed_by", "counted", "audio_bytes", "audio_print", "partial")}

def compare(manifest, failing):
	"""Every correct choice on one manifest; the names of those that ran."""
	serial = run("serial", base, "--serial", *manifest, *failing)
	if serial.returncode:
		sys.exit("serial: exit status %d: %s" % (serial.returncode, serial.stderr))
	names, compared = sorted(os.listdir("serial/audio")), []
	for choice in choices:
		what = "/".join(choice.values())
		parallel = run("parallel", choice, "--workers", "8", *manifest, *failing)
		if parallel.returncode == 2 and "this machine lacks what it needs" in parallel.stderr:
			print("skipped: %s: %s" % (what, parallel.stderr.strip()))
			continue
		if parallel.returncode:
			sys.exit("%s: exit status %d: %s" % (what, parallel.returncode, parallel.stderr))
		if sorted(os.listdir("parallel/audio")) != names:
			sys.exit("%s: other files than the serial run" % what)
		for name in names:
			if not filecmp.cmp("serial/audio/" + name, "parallel/audio/" + name, shallow=False):
				sys.exit("%s: %s differs from the serial run's" % (what, name))
		if results("serial") != results("parallel"):
			sys.exit("%s: other results than the serial run's" % what)
		if totals("serial") != totals("parallel"):
			sys.exit("%s: other totals than the serial run's: %s, %s" % (what, totals("parallel"), totals("serial")))
		compared.append(what)
	return names, compared

names, compared = compare([], ["--fail-lines", "3,50-60"])
print("%d choices left the %d files of the serial run, byte by byte" % (len(compared), len(names)))
if len(compared) < 15 or len(names) < 150:
	sys.exit("too few to mean anything")
compare(["five.txt"], [])
END_OF_PYTHON
