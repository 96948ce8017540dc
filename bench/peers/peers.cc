// SPDX-License-Identifier: MIT
#include <deque>
#include <gnu/libc-version.h>

#include "peers.h"

namespace bench
{

const implementation *missing_initialiser(const char *name)
{
	static std::deque<initialiser_implementation> made;
	initialiser_implementation &it = made.emplace_back();
	it.about.family = FAMILY_INITIALISER;
	it.about.name = name;
	return &it.about;
}

const implementation *missing_counter(const char *name)
{
	static std::deque<counter_implementation> made;
	counter_implementation &it = made.emplace_back();
	it.about.family = FAMILY_COUNTER;
	it.about.name = name;
	return &it.about;
}

std::string peer_version(const peer &peer)
{
	return peer.own ? std::string(peer.own->library) + " " + peer.own->version() : "";
}

std::string peer_note(const peer &peer)
{
	std::string note = peer_version(peer);
	if (peer.own && peer.own->operation)
		note += std::string("; ") + peer.own->operation;
	return note;
}

std::string library_behind(const implementation &about)
{
	if (about.family != FAMILY_INITIALISER && about.family != FAMILY_COUNTER)
		return "";
	const std::string calls = about.calls ? about.calls : "";
	const bool behind =
		(about.features & (FEATURE_PTHREAD_ONCE | FEATURE_CALL_ONCE)) || calls.find("pthread_mutex_") != calls.npos;
	return behind ? std::string("glibc ") + gnu_get_libc_version() : "";
}

static json_t *text_or_null(const std::string &text)
{
	return text.empty() ? json_null() : json_string(text.c_str());
}

static void add_json(json_t *list, const implementation &about, const std::string &version, const char *missing)
{
	const std::string name = std::string(family_name(about.family)) + "/" + about.name;
	json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "name", name.c_str(), "version", text_or_null(version),
					    "missing", text_or_null(missing ? missing : "")));
}

json_t *peers_json()
{
	json_t *list = json_array();
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const implementation &about = *onceproof_registry[i].about;
		const std::string library = library_behind(about);
		if (!library.empty())
			add_json(list, about, library, nullptr);
	}
	for (const peer &each : peers())
		add_json(list, *each.about, peer_version(each), each.missing);
	return list;
}

} // namespace bench
