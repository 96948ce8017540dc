#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `onceproof advise` needs of a result, and no more, for the results that come with the program:
#   bench/ship.sh RESULT.json > bench/shipped/prices.json
# RESULT.json is what `onceproof bench` wrote (--json FILE, --save NAME), of a whole run on an idle machine.
set -u -o pipefail
type -P jq >/dev/null || { echo "ship.sh: jq is missing: install it" >&2; exit 2; }

# Four digits: more are noise. Lines of repetitions become one sum of what was lost. What names the machine itself stays out.
jq -c '
def short: if type == "number" and . != 0 then
	(fabs | log10 | floor | 3 - .) as $digits
	| if $digits >= 0 then (. * pow(10; $digits) | round) / pow(10; $digits) else round end
	else . end;
def wanted: test("^(initialiser/[^/]+/get|counter/[^/]+/(increment|increment_call|increment_polled|increment_polled_1ms|read|read_dirty_8)|progress/[^/]+/step|floor/lock_xadd|pipeline/[^/]+/overhead_1us)/threads:");
def kept(keys): with_entries(select(.key as $key | (keys | index($key)) and .value != null) | .value |= short);
def losses: [.[] | select(.aggregate_name == null and (.lost // 0) > 0)] | group_by(.run_name)
	| map({run_name: .[0].run_name, run_type: "iteration", lost: (map(.lost) | add), ops: (map(.ops) | add)});
def medians: map(select(.aggregate_name == "median")
	| kept(["run_name", "aggregate_name", "wall_ns_per_op", "low", "high", "broken", "overhead", "overhead_low", "overhead_high"]));
def crossings: {limit, choices: [.choices[] | kept(["choice", "threads", "found", "item_ns", "low", "high", "points"])
	| .points |= map(.progress_latency_ns |= (. // {} | kept(["p50", "p99"])) | with_entries(.value |= short))]};

(if (.benchmarks | type) == "object" then .benchmarks else . end)
| if (.benchmarks | type) != "array" or .context.machine == null then error("this is no result of onceproof bench") else . end
| if (.context.partial | tostring) == "true" or .context.machine.loaded then error("the result was cut short, or the machine was not idle: measure again") else . end
# Fair locks with more threads than cores are left out once they have taken their time; nothing else may lack processes.
| .context.processes as $all
| [.benchmarks[] | select(.aggregate_name == "median" and (.processes // $all) < 0.8 * ($all // 0) and .oversubscribed != 1) | .run_name] as $short
| if ($short | length) > 0.02 * ([.benchmarks[] | select(.aggregate_name == "median")] | length)
	then error("rows lack repetitions: measure again (\($short[:3]))") else . end
| {context: (.context | {date, onceproof_version, partial, plan, processes, window_ms, compiler,
		machine: (.machine | {cpu_model, class, cores, allowed, virtual, smt, quota, loaded})}),
	benchmarks: ([.benchmarks[] | select(.run_name | wanted)] | losses + medians),
	studies: (if .studies.crossings then {crossings: (.studies.crossings | crossings)} else {} end)}
' "${1:?usage: bench/ship.sh RESULT.json > bench/shipped/prices.json}"
