// SPDX-License-Identifier: MIT
// What rows are made of: the registry's implementations, then the peers.
#include <algorithm>
#include <climits>
#include <map>

#include "bench.h"
#include "peers/peers.h"

namespace bench
{

std::vector<subject> subjects_of(enum family family)
{
	std::vector<subject> found;
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const implementation *about = onceproof_registry[i].about;
		if (about->family == family)
			found.push_back(
				{std::string(family_name(family)) + "/" + about->name, about, library_behind(*about), ""});
	}
	for (const peer &each : peers())
		if (each.about->family == family)
			found.push_back({std::string(family_name(family)) + "/" + each.about->name, each.about, peer_note(each),
				each.missing ? each.missing : ""});
	return found;
}

/* The smallest plan that measures this operation of a peer: what ours is compared with comes first. */
static enum tier peer_tier(const std::string &operation, unsigned threads)
{
	const unsigned cores = this_machine().cores;
	static const struct {
		const char *operation;
		unsigned quick_from, quick_to, default_from, default_to; /* threads; from more than to: none */
	} plans[] = {
		{"get", 1, cores, 1, UINT_MAX},
		{"storm", 2, cores, 1, UINT_MAX},
		{"increment", 1, cores, 1, UINT_MAX},
		{"increment_call", 1, 0, 1, cores},
		{"read_every_100", 1, 0, 1, cores},
		{"read", 1, 0, 1, 1},
		{"first_use", 1, 0, cores, cores},
	};
	for (const auto &plan : plans) {
		if (operation != plan.operation)
			continue;
		if (threads >= plan.quick_from && threads <= plan.quick_to)
			return TIER_QUICK;
		return threads >= plan.default_from && threads <= plan.default_to ? TIER_DEFAULT : TIER_FULL;
	}
	return TIER_FULL;
}

void finish_rows_of_subjects(std::vector<row> &rows)
{
	for (enum family family : {FAMILY_INITIALISER, FAMILY_COUNTER})
		for (const subject &each : subjects_of(family)) {
			const std::string prefix = each.name + "/";
			const bool is_peer = prefix.find("/peer_") != std::string::npos;
			for (row &row : rows) {
				if (row.name.compare(0, prefix.size(), prefix) != 0)
					continue;
				const std::string operation =
					row.name.substr(prefix.size(), row.name.find('/', prefix.size()) - prefix.size());
				if (is_peer)
					row.tier = std::max(row.tier, peer_tier(operation, row.threads));
				if (!each.missing.empty())
					row.skipped = each.missing;
				if (row.note.find(each.note) == std::string::npos)
					row.note = row.note.empty() ? each.note : each.note + "; " + row.note;
			}
		}
}

/* Has any of ROWS this subject? */
static bool has_rows_of(const std::vector<row> &rows, const std::string &subject)
{
	const std::string prefix = subject + "/";
	return std::any_of(
		rows.begin(), rows.end(), [&](const row &row) { return row.name.compare(0, prefix.size(), prefix) == 0; });
}

std::string peers_told(const std::vector<row> &rows)
{
	/* library and version -> names; missing names; what to install, or another reason */
	std::map<std::string, std::string> there;
	std::string missing, packages, reason;
	const auto add = [](std::string &list, const std::string &what, const char *between) {
		list += (list.empty() ? "" : between) + what;
	};
	for (enum family family : {FAMILY_INITIALISER, FAMILY_COUNTER})
		for (const subject &each : subjects_of(family))
			if (has_rows_of(rows, each.name) && !each.note.empty())
				add(there[each.note.substr(0, each.note.find(';'))], each.about->name, " ");
	for (const peer &each : peers()) {
		const std::string name = std::string(family_name(each.about->family)) + "/" + each.about->name;
		if (!each.missing || !has_rows_of(rows, name))
			continue;
		add(missing, name, ", ");
		reason = each.missing;
		const std::string package = each.package;
		if (reason == package + " is not installed" && packages.find(package) == std::string::npos)
			add(packages, package, " ");
	}
	std::string told;
	for (const auto &each : there)
		add(told, each.first + " (" + each.second + ")", ", ");
	if (!told.empty())
		told = "Other people's: " + told + ".\n";
	if (!missing.empty())
		told += "Not measured: " + missing + ": " +
			(packages.empty() ? reason : "apt-get install --no-install-recommends " + packages) + ".\n";
	return told;
}

bool is_missing_peer(const row &row)
{
	for (const peer &each : peers())
		if (each.missing && row.skipped == each.missing &&
			row.name.find(std::string("/") + each.about->name + "/") != std::string::npos)
			return true;
	return false;
}

} // namespace bench
