// SPDX-License-Identifier: MIT
// std::condition_variable: the one of pthread.
#include <condition_variable>

std::condition_variable::condition_variable() noexcept = default;

std::condition_variable::~condition_variable() noexcept = default;

void std::condition_variable::wait(unique_lock<mutex> &lock)
{
	pthread_cond_wait(native_handle(), lock.mutex()->native_handle());
}

void std::condition_variable::notify_one() noexcept
{
	pthread_cond_signal(native_handle());
}

void std::condition_variable::notify_all() noexcept
{
	pthread_cond_broadcast(native_handle());
}
