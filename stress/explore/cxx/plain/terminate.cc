// SPDX-License-Identifier: MIT
// What std::terminate does unless a program says otherwise: the finding says which exception nobody caught.
#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <typeinfo>

#include "../runtime.h"

static void say(const std::type_info *type, const char *what)
{
	char text[256];
	int status;
	char *name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
	std::snprintf(text, sizeof text, "nobody catches an exception of type %s%s%s%s", name ? name : type->name(),
		what ? " (\"" : "", what ? what : "", what ? "\")" : "");
	explored_terminated(text);
}

namespace __gnu_cxx
{
void __verbose_terminate_handler()
{
	const std::type_info *type = abi::__cxa_current_exception_type();
	if (!type)
		explored_terminated("std::terminate is called");
	try {
		throw;
	} catch (const std::exception &exception) {
		say(type, exception.what());
	} catch (...) {
		say(type, nullptr);
	}
	std::abort();
}
} // namespace __gnu_cxx
