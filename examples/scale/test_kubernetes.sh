#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples/scale/kubernetes.yaml: its form, by what the API's documents ask of batch/v1 Jobs; and its commands, run as a pod would run them.
. "${ONCEPROOF_SOURCE:?}/examples/scale/common.sh"
needs python3
python3 -c 'import yaml' 2>/dev/null || { echo "python3-yaml is not installed"; exit 77; }

cat >form.py <<'END'
import json, re, sys, yaml

class Strict(yaml.SafeLoader):
    """Keys that are there twice are an error, as they are for the API."""

def mapping(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    if len(keys) != len(set(keys)):
        raise ValueError(f"line {node.start_mark.line + 1}: a key is there twice")
    return {loader.construct_object(key): loader.construct_object(value, deep=True) for key, value in node.value}

Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)

# Fields of the API that may occur, with their types; "*": and nothing else.
QUANTITY = re.compile(r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi)?$")
NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
def quantity(value, where): assert isinstance(value, str) and QUANTITY.match(value), f"{where}: {value!r} is no quantity"
def name(value, where): assert isinstance(value, str) and NAME.match(value) and len(value) <= 63, f"{where}: {value!r} is no name"
def text(value, where): assert isinstance(value, str), f"{where}: {value!r} is no string"
def count(value, where): assert type(value) is int and value >= 0, f"{where}: {value!r} is no count"
def one_of(*values):
    def check(value, where): assert value in values, f"{where}: {value!r} is none of {values}"
    return check
AMOUNTS = {"cpu": quantity, "memory": quantity}
JOB = {
    "apiVersion!": one_of("batch/v1"), "kind!": one_of("Job"),
    "metadata!": {"name!": name},
    "spec!": {
        "completionMode": one_of("Indexed", "NonIndexed"), "completions": count, "parallelism": count, "backoffLimit": count,
        "activeDeadlineSeconds": count, "ttlSecondsAfterFinished": count,
        "template!": {
            "metadata": {"labels": {"app": text}},
            "spec!": {
                "restartPolicy!": one_of("Never", "OnFailure"),  # a Job takes no Always
                "containers!": [{
                    "name!": name, "image!": text, "command": [text], "args": [text],
                    "env": [{"name!": text, "value!": text}],
                    "resources": {"requests": AMOUNTS, "limits": AMOUNTS},
                    "volumeMounts": [{"name!": name, "mountPath!": text}],
                }],
                "volumes": [{"name!": name, "persistentVolumeClaim!": {"claimName!": name}}],
            },
        },
    },
}

def check(value, form, where):
    if callable(form):
        form(value, where)
    elif isinstance(form, list):
        assert isinstance(value, list) and value, f"{where}: no list"
        for i, item in enumerate(value):
            check(item, form[0], f"{where}[{i}]")
    else:
        assert isinstance(value, dict), f"{where}: no object"
        known = {key.rstrip("!"): rest for key, rest in form.items()}
        for key, item in value.items():
            assert key in known, f"{where}.{key}: no such field"
            check(item, known[key], f"{where}.{key}")
        for key in form:
            assert not key.endswith("!") or key[:-1] in value, f"{where}.{key[:-1]}: missing"

shards, merge = yaml.load_all(open(sys.argv[1]), Loader=Strict)
for job in shards, merge:
    check(job, JOB, job.get("metadata", {}).get("name", "?"))
    pod = job["spec"]["template"]["spec"]
    mounts = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}, "mounts and volumes differ"
    for container in pod["containers"]:
        assert {"requests", "limits"} <= container["resources"].keys(), "resources need requests and limits"
spec = shards["spec"]
container = spec["template"]["spec"]["containers"][0]
environment = {it["name"]: it["value"] for it in container["env"]}
assert spec["completionMode"] == "Indexed"
assert 1 <= spec["parallelism"] <= spec["completions"]
assert environment["ONCEPROOF_SHARDS"] == str(spec["completions"]), "ONCEPROOF_SHARDS is not the number of completions"
waiting = {it["name"]: it["value"] for it in merge["spec"]["template"]["spec"]["containers"][0]["env"]}
assert waiting["ONCEPROOF_SHARDS"] == str(spec["completions"]), "the merge waits for another number of shards"
command = " ".join(container["command"])
for word in "--shard=auto", "--checkpoint", "--resume", "--json", "$JOB_COMPLETION_INDEX":
    assert word in command, f"the command lacks {word}"
claims = {job["spec"]["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] for job in (shards, merge)}
assert len(claims) == 1, "the two jobs share no volume"
json.dump({"shards": spec["completions"], "shard": container["command"], "args": container["args"],
    "merge": merge["spec"]["template"]["spec"]["containers"][0]["command"]}, open("commands.json", "w"))
END
run python3 form.py "$scale/kubernetes.yaml"
expect_status 0
# The check itself turns red.
for change in 's/completionMode: Indexed/completionMode: indexed/' 's/restartPolicy: Never/restartPolicy: Always/' 's/completions: 8/completions: 9/' \
	's/ --shard=auto//' 's/memory: 2Gi/memory: 2 GB/' 's/backoffLimit: 24/backofLimit: 24/' 's/parallelism: 8/parallelism: "8"/'; do
	sed "$change" "$scale/kubernetes.yaml" >changed.yaml
	run python3 form.py changed.yaml
	expect "turns red with $change" test "$status" != 0
done
run python3 form.py "$scale/kubernetes.yaml"

# The commands, as the kubelet would start them, with a folder of our own in place of the volume.
mkdir bin results
ln -s "$ONCEPROOF" bin/onceproof
shards=$(jq .shards commands.json)
mapfile -t shard < <(jq -r '.shard[]' commands.json | sed "s|/results|results|g")
mapfile -t merge < <(jq -r '.merge[]' commands.json | sed "s|/results|results|g")
whole
for ((i = 0; i < shards; i++)); do
	run env PATH="$PWD/bin:$PATH" JOB_COMPLETION_INDEX=$i ONCEPROOF_SHARDS="$shards" "${shard[@]}" "${explored[@]}"
	expect_status 0
	expect_err "--shard=auto: shard $((i + 1))/$shards, by JOB_COMPLETION_INDEX=$i (a pod of an indexed job)"
done
run timeout 60 env PATH="$PWD/bin:$PATH" ONCEPROOF_SHARDS="$shards" "${merge[@]}"
expect_status 0
merged results
lost results
finish
