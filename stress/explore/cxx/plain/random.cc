// SPDX-License-Identifier: MIT
// std::random_device: one more sequence that every execution repeats.
#include <cstdlib>
#include <random>
#include <string>

void std::random_device::_M_init(const std::string &)
{
}

void std::random_device::_M_init_pretr1(const std::string &)
{
}

void std::random_device::_M_fini()
{
}

std::random_device::result_type std::random_device::_M_getval()
{
	return static_cast<result_type>(::random()) << 1 ^ static_cast<result_type>(::random());
}

std::random_device::result_type std::random_device::_M_getval_pretr1()
{
	return _M_getval();
}

double std::random_device::_M_getentropy() const noexcept
{
	return 0;
}
