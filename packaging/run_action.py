#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the steps of a composite GitHub action as a runner would: run_action.py ACTION.YML NAME=VALUE...

Inputs that are not given have their defaults. Prints the action's outputs as NAME=VALUE behind a line "outputs:" and ends with the status
of the first step that fails. An expression in a `run` text, where a shell would read its value, is refused.
"""
import os
import re
import subprocess
import sys
import tempfile

import yaml


def read_outputs(path):
    outputs = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, value = line.rstrip("\n").split("=", 1)
            outputs[name] = value
    return outputs


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        action = yaml.safe_load(file)
    given = dict(argument.split("=", 1) for argument in sys.argv[2:])
    unknown = set(given) - set(action["inputs"])
    if unknown:
        sys.exit(f"no such input: {', '.join(sorted(unknown))}")
    inputs = {}
    for name, about in action["inputs"].items():
        if about.get("required") and name not in given:
            sys.exit(f"the input {name} is required")
        inputs[name] = given.get(name, about.get("default", ""))
        if not isinstance(inputs[name], str):
            sys.exit(f"the default of {name} is no string")
    steps = {}

    def value_of(match):
        path = match.group(1).strip().split(".")
        if path[0] == "inputs" and len(path) == 2:
            return inputs[path[1]]
        if path[0] == "steps" and path[2] == "outputs" and len(path) == 4:
            return steps.get(path[1], {}).get(path[3], "")
        sys.exit(f"an expression that is not understood: {match.group(0)}")

    def expand(text):
        return re.sub(r"\$\{\{([^}]*)\}\}", value_of, str(text))

    assert action["runs"]["using"] == "composite"
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        if "${{" in step["run"]:
            sys.exit(f"an expression in the text of the step {step['name']}: a shell would read its value")
    status = 0
    for step in action["runs"]["steps"]:
        with tempfile.NamedTemporaryFile() as output:
            environment = dict(os.environ, GITHUB_OUTPUT=output.name, GITHUB_ACTIONS="true",
                               GITHUB_ACTION_PATH=os.path.dirname(os.path.abspath(sys.argv[1])))
            environment.update({name: expand(value) for name, value in step.get("env", {}).items()})
            status = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], check=False,
                                    env=environment, cwd=expand(step.get("working-directory", "."))).returncode
            steps[step["id"]] = read_outputs(output.name)
        if status:
            break
    print("outputs:", flush=True)
    for name, about in action["outputs"].items():
        print(f"{name}={expand(about['value'])}")
    sys.exit(status)


main()
