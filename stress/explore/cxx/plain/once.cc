// SPDX-License-Identifier: MIT
// std::call_once calls this one through pthread_once; an exception that leaves it makes the next one try.
#include "../runtime.h"

extern "C" {
void explored_once_left();
void __once_proxy();
void explored_cxx___once_proxy();

void explored_cxx___once_proxy()
{
	try {
		__once_proxy();
	} catch (...) {
		explored_once_left();
		throw;
	}
}
}
