// SPDX-License-Identifier: MIT
#include "names.h"

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

} // namespace bench
