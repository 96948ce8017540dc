// SPDX-License-Identifier: MIT
#include "names.h"

#include <algorithm>
#include <fnmatch.h>

namespace bench
{

static std::vector<std::string> split(const std::string &path)
{
	std::vector<std::string> parts(1);
	for (char c : path)
		if (c == '/')
			parts.emplace_back();
		else
			parts.back() += c;
	return parts;
}

bool name_matches(const std::vector<std::string> &globs, const std::string &name)
{
	const std::vector<std::string> parts = split(name);
	for (const std::string &glob : globs) {
		const std::vector<std::string> wanted = split(glob);
		bool all = wanted.size() <= parts.size();
		for (size_t i = 0; all && i < wanted.size(); i++)
			all = fnmatch(wanted[i].c_str(), parts[i].c_str(), 0) == 0;
		if (all)
			return true;
	}
	return globs.empty();
}

/* A glob that matches something, made of one that does not: a part of a name that stands elsewhere in it, or only begins it. */
static std::string likely_glob(const std::string &glob, const std::vector<std::string> &names)
{
	std::vector<std::string> tries = {glob + "*"};
	if (glob.find('/') == std::string::npos)
		for (const char *before : {"*/", "*/*/", "*/*", "*/*/*"})
			tries.push_back(before + glob + "*");
	for (const std::string &one : tries)
		if (std::any_of(names.begin(), names.end(), [&](const std::string &name) { return name_matches({one}, name); }))
			return one;
	return "";
}

std::string unmatched(const std::vector<std::string> &globs, const std::vector<std::string> &names)
{
	std::string text;
	for (const std::string &glob : globs) {
		if (std::any_of(names.begin(), names.end(), [&](const std::string &name) { return name_matches({glob}, name); }))
			continue;
		const std::string likely = likely_glob(glob, names);
		text += (text.empty() ? " '" : ", '") + glob + "'" + (likely.empty() ? "" : " (did you mean '" + likely + "'?)");
	}
	return text;
}

} // namespace bench
