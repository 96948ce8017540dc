// SPDX-License-Identifier: MIT
// The machine as a whole: a short look for every run, the study for whole ones, and their words.
#include <cmath>
#include <system_error>

extern "C" {
#include "../reports/node.h"
}
#include "bench.h"
#include "machine.h"

namespace bench
{

static double number_at(const json_t *machine, const char *key, const char *inner)
{
	const json_t *value = node_get(machine, key);
	return inner ? node_number(value, inner, 0) : json_number_value(value);
}

/* "2 cores, virtual, SMT siblings, ping-pong 95 ns": what tells prices of one machine from those of another. */
static std::string class_of(const json_t *machine)
{
	const int allowed = static_cast<int>(number_at(machine, "allowed", nullptr));
	std::string phrase = text_of("%d core%s", allowed, allowed == 1 ? "" : "s");
	if (const double quota = number_at(machine, "quota", nullptr); quota > 0)
		phrase += text_of(", quota %.2g", quota);
	if (json_is_true(node_get(machine, "virtual")))
		phrase += ", virtual";
	if (json_is_true(node_get(machine, "smt")))
		phrase += ", SMT siblings";
	if (!json_is_true(node_get(machine, "can_pin")))
		phrase += ", unpinned";
	if (const double trip = number_at(machine, "ping_pong", "median_ns"); trip > 0)
		phrase += text_of(", ping-pong %.0f ns", trip);
	if (const double wake = number_at(machine, "wake_ns", "p50"); wake > 0)
		phrase += text_of(wake < 1e4 ? ", wake %.1f us" : ", wake %.0f us", wake / 1e3);
	return phrase;
}

/* Each part leaves what it measured; after Ctrl-C, or where no thread can be started, the rest is missing and said to be. */
static json_t *measure_machine(const machine_budget &budget)
{
	json_t *machine = node_must(json_object());
	const std::vector<int> cpus = machine_cpus();
	node_set(machine, "notes", node_must(json_array()));
	node_set(machine, "depth", node_text(budget.full ? "full" : "short"));
	machine_facts(machine, "", cpus);
	machine_watch watch;
	watch.begin();
	try {
		for (auto *measure : {machine_costs, machine_pairs, machine_wakes})
			if (!interrupted.load(std::memory_order_relaxed)) // relaxed: a flag alone
				measure(machine, cpus, budget);
			else
				node_set(machine, "partial", node_must(json_true()));
	} catch (const std::system_error &error) {
		node_set(machine, "partial", node_must(json_true()));
		machine_note(machine,
			std::string("The machine could not be measured whole: a thread could not be started: ") + error.what());
	}
	json_t *watched = watch.end();
	machine_merge(machine, watched);
	json_decref(watched);
	node_set(machine, "class", node_text(class_of(machine).c_str()));
	return machine;
}

json_t *machine_look(const plan &)
{
	return measure_machine({false, 0.004, 0.03, 40, 20, 8});
}

json_t *study_machine(const plan &plan)
{
	const bool quick = plan.tier == TIER_QUICK;
	return measure_machine({true, quick ? 0.02 : 0.1, quick ? 1.5 : 5, quick ? 300u : 2000u, quick ? 100u : 500u, 64});
}

/* "on", "unknown" … */
static std::string word_at(const json_t *machine, const char *key)
{
	const std::string word = node_string(machine, key);
	return word.empty() ? "hidden" : word;
}

/* "; others 0.5 %"; nothing where it is not known yet, or never. */
static std::string share(const json_t *machine, const char *word, const char *key)
{
	const json_t *value = node_get(machine, key);
	return json_is_number(value) ? text_of("; %s %.1f %%", word, 100 * json_number_value(value)) : "";
}

std::string machine_summary(const json_t *machine)
{
	std::string text = std::string(node_string(machine, "cpu_model")) + ": " + node_string(machine, "class") + "\n";
	text += text_of("cycle %.3f ns; L1 latency %.2f ns; one after the other, load and branch %.2f ns, lock xadd %.2f ns; "
			"wake %.1f us (p99 %.1f "
			"us); clock "
			"%.0f ns (%s)\n",
		number_at(machine, "cycle_ns", nullptr), number_at(machine, "l1_load_ns", nullptr),
		number_at(machine, "load_branch_ns", nullptr), number_at(machine, "lock_xadd_ns", nullptr),
		number_at(machine, "wake_ns", "p50") / 1e3, number_at(machine, "wake_ns", "p99") / 1e3,
		number_at(machine, "clock_ns", nullptr), word_at(machine, "clock").c_str());
	text += "governor " + word_at(machine, "governor") + ", turbo " + word_at(machine, "turbo") +
		share(machine, "others", "others_share") + share(machine, "stolen", "steal_share") +
		share(machine, "throttled", "throttled_share") + "; " + node_string(machine, "kernel") + "\n";
	if (json_is_true(node_get(machine, "loaded")))
		text += "This machine was not ours alone: results are marked.\n";
	return text;
}

} // namespace bench
