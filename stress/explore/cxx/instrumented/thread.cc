// SPDX-License-Identifier: MIT
// std::thread: beginning and ending.
#include <bits/functexcept.h>
#include <cerrno>
#include <thread>

static void *run(void *arg)
{
	// Destroyed also when the thread ends by pthread_exit; not by an exception that nobody catches, which ends the program.
	std::unique_ptr<std::thread::_State> state{static_cast<std::thread::_State *>(arg)};
	state->_M_run();
	return nullptr;
}

void std::thread::_M_start_thread(_State_ptr state, void (*)())
{
	int why = pthread_create(&_M_id._M_thread, nullptr, run, state.get());
	if (why)
		std::__throw_system_error(why);
	state.release();
}

void std::thread::join()
{
	int why = joinable() ? pthread_join(_M_id._M_thread, nullptr) : EINVAL;
	if (why)
		std::__throw_system_error(why);
	_M_id = id();
}

void std::thread::detach()
{
	int why = joinable() ? pthread_detach(_M_id._M_thread) : EINVAL;
	if (why)
		std::__throw_system_error(why);
	_M_id = id();
}
