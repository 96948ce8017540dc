#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# C++ programs under the explorer, through the front door: each program is written here, with the compiler that is asked for. With the
# argument `all`, every program is built by both compilers; otherwise by one of them, in turn. ONCEPROOF names the program.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; cat "$work/err" >&2 2>/dev/null || true; exit 1; }
[ -e "$ONCEPROOF_BUILD/libexec/onceproof/explore_cxx.a" ] || { echo "this build has no explored code"; exit 77; }
compilers=()
for compiler in g++ clang++; do
	command -v "$compiler" >/dev/null && compilers+=("$compiler")
done
[ ${#compilers[@]} -gt 0 ] || { echo "no C++ compiler"; exit 77; }
cd "$work"
mkdir tmp
export TMPDIR=$work/tmp
unset CC
turn=0

# program NAME: the program on stdin is written to NAME.cpp.
program() { name=$1 && cat >"$name.cpp"; }
# Of the program: with CXX, FLAGS.
explore() {
	local expected=$1 status=0
	rm -f result.json
	"$ONCEPROOF" explore "$name.cpp" --seed=1 --budget=20000 --json=result.json --witness=witness -q -- -std=c++20 $flags >out 2>err || status=$?
	[ "$status" = "$expected" ] || fail "$name, $CXX: exit status $status, not $expected: $(jq -c '.results[0] | [.verdict, .evidence, .findings[]?.message]' result.json)"
	[ -z "$(ls -A tmp)" ] || fail "$name: left behind: $(ls tmp)"
}
# each CHECK...: explores with each compiler, or the one whose turn it is, and calls CHECK.
each() {
	local chosen=("${compilers[@]}")
	[ "${all:-}" ] || chosen=("${compilers[turn++ % ${#compilers[@]}]}")
	for CXX in "${chosen[@]}"; do
		export CXX
		"$@"
	done
}
is_proved() {
	explore 0
	jq -e '.results[0].verdict == "proved"' result.json >/dev/null || fail "$name, $CXX: not proved: $(jq -c '.results[0] | [.verdict, .evidence]' result.json)"
}
# proved [FLAGS]
proved() { flags=${1:-} && each is_proved; }
# bug KIND TEXT [FLAGS]: some finding is of KIND, with TEXT in its message; its first place is a line marked "here".
is_bug() {
	explore 1
	local lines
	lines=$(grep -n '// here' "$name.cpp" | cut -d: -f1 | jq -s -c .)
	jq -e --arg kind "$1" --argjson lines "$lines" --arg text "$2" --arg file "$name.cpp" '.results[0] | .verdict == "bug" and
		any(.findings[]; .kind == $kind and (.message | contains($text)) and (.locations[0].line | IN($lines[])) and .locations[0].file == $file)' result.json >/dev/null ||
		fail "$name, $CXX: no $1 at $lines with '$2': $(jq -c '.results[0].findings[] | [.kind, .message, .locations[0]]' result.json)"
}
bug() { flags=${3:-} && each is_bug "$1" "$2"; }
# doubt TEXT: inconclusive, and the reason contains TEXT.
is_doubt() {
	explore 3
	jq -e --arg text "$1" '.results[0] | .verdict == "inconclusive" and (.evidence | contains($text))' result.json >/dev/null ||
		fail "$name, $CXX: no doubt '$1': $(jq -c '.results[0] | [.verdict, .evidence]' result.json)"
}
doubt() { flags=${2:-} && each is_doubt "$1"; }
# printed TEXT: so it printed in the last exploration.
printed() {
	jq -e --arg text "$1" '.results[0].output == $text' result.json >/dev/null || fail "$name, $CXX: printed $(jq .results[0].output result.json)"
}
[ "${1:-}" = all ] && all=1

# Threads, and names: of functions, of lambdas, of variables.
program race <<'END'
#include <thread>
namespace bank {
struct account {
	static int balance;
	static void deposit(int n) { balance += n; } // here
};
int account::balance;
}
int main()
{
	std::thread one(bank::account::deposit, 1);
	bank::account::deposit(2);
	one.join();
}
END
bug data-race "bank::account::deposit (race.cpp:5)"
grep -q 'bank::account::balance' <(jq -r '.results[0].findings[0].interleaving[]?.where' result.json) || fail "the variable's name: $(jq -c '.results[0].findings[0].interleaving' result.json)"
"$ONCEPROOF" replay witness/race.cpp-data-race-*.json >out 2>err || fail "the witness does not repeat it"
grep -q '^Reproduced' out || fail "not reproduced"

program update <<'END'
#include <cassert>
#include <mutex>
#include <thread>
static std::mutex lock;
static int n;
static void add()
{
	lock.lock();
	int before = n;
#ifndef FIXED
	lock.unlock();
	lock.lock();
#endif
	n = before + 1;
	lock.unlock();
}
int main()
{
	std::thread one(add), other(add);
	one.join();
	other.join();
	assert(n == 2); // here
}
END
bug assertion "assertion 'n == 2' fails"
proved -DFIXED

# Condition variables: the wait is where the user's code has it.
program wait <<'END'
#include <condition_variable>
#include <mutex>
#include <thread>
static std::mutex lock;
static std::condition_variable changed;
static bool ready;
int main()
{
	std::jthread other([] {
		std::lock_guard hold(lock);
		ready = true;
		changed.notify_one();
	});
	std::unique_lock hold(lock);
#ifdef FIXED
	changed.wait(hold, [] { return ready; });
#else
	changed.wait(hold); // here
#endif
}
END
bug lost-wakeup "nobody can move"
proved -DFIXED

program order <<'END'
#include <mutex>
#include <thread>
static std::mutex a, b;
static int n;
int main()
{
	std::thread other([] {
		std::lock_guard first(a);
		std::lock_guard second(b);
		n++;
	});
	{
#ifdef FIXED
		std::scoped_lock both(b, a);
#else
		std::lock_guard first(b);
		std::lock_guard second(a); // here
#endif
		n++;
	}
	other.join();
}
END
bug deadlock "mutex a held by T1"
proved -DFIXED

# Any lock, shared locks, time limits, recursive locks.
program locks <<'END'
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>
using namespace std::chrono_literals;
static std::shared_mutex shared;
static std::condition_variable_any changed;
static std::recursive_timed_mutex twice;
static int value;
int main()
{
	std::thread other([] {
		{
			std::unique_lock hold(shared);
			value = 7;
		}
		changed.notify_all();
		std::lock_guard once(twice), again(twice);
	});
	{
		std::shared_lock hold(shared);
		changed.wait(hold, [] { return value == 7; });
	}
	if (twice.try_lock_for(1ms))
		twice.unlock();
	std::this_thread::sleep_for(1ms);
	other.join();
}
END
proved

# Atomics that wait, semaphores, latches, barriers.
program newer <<'END'
#include <atomic>
#include <barrier>
#include <cassert>
#include <latch>
#include <semaphore>
#include <thread>
static std::binary_semaphore given(0);
static std::latch taken(1);
static std::atomic<int> flag;
static int value;
int main()
{
	std::jthread other([] {
		value = 1;
		given.release();
		taken.wait();
		value = 2;
		flag.store(1, std::memory_order_release);
		flag.notify_one();
	});
	given.acquire();
	assert(value == 1);
	taken.count_down();
	flag.wait(0, std::memory_order_acquire);
	assert(value == 2);
}
END
proved

# The guards of local variables; recursion; exceptions in call_once.
program once <<'END'
#include <cassert>
#include <mutex>
#include <thread>
static int made, tries;
struct thing {
	int value = 7;
	thing() { made++; }
	~thing() { value = 0; }
};
static thing &it()
{
	static thing the;
	return the;
}
static std::once_flag flag;
static void sometimes()
{
	if (++tries == 1)
		throw 1;
}
static void get()
{
	assert(it().value == 7);
	for (;;)
		try {
			std::call_once(flag, sometimes);
			return;
		} catch (int) {
		}
}
int main()
{
	std::thread other(get);
	get();
	other.join();
	assert(made == 1 && tries == 2);
}
END
proved
program again <<'END'
struct thing {
	int value;
	explicit thing(int n);
};
static int depth(int n)
{
	static thing the(n); // here
	return the.value;
}
thing::thing(int n) : value(n ? depth(n - 1) : 0) {}
int main() { return depth(1); }
END
bug misuse "initialises a static variable while it initialises it already"

# Exceptions: threads inside of catch blocks are not mixed up, locks are released, statics end.
program catching <<'END'
#include <cassert>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
static std::mutex lock;
static int turns;
static std::atomic<int> seen;
static void one(int me)
{
	try {
		std::lock_guard hold(lock);
		turns++;
		throw me;
	} catch (int which) {
		assert(which == me && std::uncaught_exceptions() == 0);
		seen++;
		try {
			throw;
		} catch (int again) {
			assert(again == me);
			seen++;
		}
	}
}
int main()
{
	std::thread a(one, 1), b(one, 2);
	a.join();
	b.join();
	assert(turns == 2 && seen == 4);
}
END
proved
program escapes <<'END'
#include <stdexcept>
#include <thread>
static void work()
{
	throw std::runtime_error("no more"); // here
}
int main() { std::jthread other(work); }
END
bug crash 'nobody catches an exception of type std::runtime_error ("no more")'
program joinable <<'END'
#include <thread>
static int n;
int main()
{
	std::thread forgotten([] { n = 1; });
} // here
END
bug crash "std::terminate is called" -O0

# An exception from another thread: what it was read by is not what it is destroyed under.
program future <<'END'
#include <cassert>
#include <future>
#include <stdexcept>
#include <string>
static int work(int n)
{
	if (n < 0)
		throw std::runtime_error("negative");
	return n * 2;
}
int main()
{
	std::promise<int> promise;
	std::future<int> third = promise.get_future();
	auto one = std::async(std::launch::async, work, 21), other = std::async(std::launch::async, [&promise] {
		promise.set_value(3);
		return work(-1);
	});
	assert(third.get() == 3 && one.get() == 42);
	try {
		other.get();
		assert(false);
	} catch (const std::runtime_error &e) {
		assert(std::string(e.what()) == "negative");
	}
}
END
proved

# The end of a thread is an exception that must go on.
program swallowed <<'END'
#include <pthread.h>
static void *run(void *)
{
	try {
		pthread_exit(nullptr);
	} catch (...) {
	} // here
	return nullptr;
}
int main()
{
	pthread_t thread;
	pthread_create(&thread, nullptr, run, nullptr);
	pthread_join(thread, nullptr);
}
END
bug crash "does not throw it again"

# Thread-local variables end with their threads, statics with the program; memory comes back, whatever the library kept.
program ends <<'END'
#include <cassert>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
static std::mutex lock;
static int ended;
struct own {
	std::string text = "a text that is too long to lie inside";
	~own()
	{
		std::lock_guard hold(lock);
		ended++;
	}
};
thread_local own mine;
static std::vector<std::string> names = {"the first name, which is a long one", "second"};
static struct last {
	~last() { std::cout << "bye " << names.size() << ' ' << std::hex << 255 << std::endl; }
} the_last;
int main()
{
	std::thread a([] { mine.text += "a"; }), b([] { mine.text += "b"; });
	a.join();
	b.join();
	assert(ended == 2 && names.size() == 2);
	names.push_back(mine.text);
}
END
proved
printed $'bye 3 ff\n'

# Containers and strings: what the library does unseen is not missed.
program text <<'END'
#include <string>
#include <thread>
static std::string all;
int main()
{
	std::jthread other([] { all += "one"; }); // here
	all += "other"; // here
}
END
bug data-race "main"
program map <<'END'
#include <map>
#include <mutex>
#include <thread>
static std::map<int, int> all;
static std::mutex lock;
int main()
{
	all[5] = 1;
	std::jthread other([] {
		std::lock_guard hold(lock);
		all[1] = 2; // here
	});
#ifdef FIXED
	std::lock_guard hold(lock);
#endif
	return all.find(5) == all.end(); // here
}
END
bug data-race "main"
proved -DFIXED
program containers <<'END'
#include <cassert>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
static std::list<int> list;
static std::multiset<int> set;
static std::unordered_map<std::string, int> table;
static std::mutex lock;
static void put(int from)
{
	std::lock_guard hold(lock);
	for (int i = 0; i < 40; i++) {
		list.push_front(from + i);
		set.insert((from + i) * 7919 % 101);
		table["key " + std::to_string(from + i)]++;
	}
	for (int i = 0; i < 20; i++)
		set.erase(set.find((from + i) * 7919 % 101));
}
int main()
{
	std::thread other(put, 100);
	put(0);
	other.join();
	list.sort();
	list.reverse();
	assert(list.front() == 139 && list.size() == 80 && set.size() == 40 && table.size() == 80);
	int last = -1;
	for (int n : set) {
		assert(n >= last);
		last = n;
	}
	for (auto at = set.end(); at != set.begin();)
		assert(*--at <= last && ((last = *at), true));
}
END
proved

# Memory: shared ownership, use after delete, leaks.
program shared <<'END'
#include <cassert>
#include <memory>
#include <thread>
#include <vector>
static std::vector<int> *raw;
int main()
{
	auto all = std::make_shared<std::vector<int>>(3, 7);
	raw = all.get();
	std::thread other([all]() mutable {
		assert(all->at(0) == 7);
		all.reset();
#ifndef FIXED
		(*raw)[1] = 1; // here
#endif
	});
	std::weak_ptr<std::vector<int>> weak = all;
	all.reset();
	other.join();
	assert(weak.expired());
}
END
bug use-after-free "has freed"
proved -DFIXED
program leaks <<'END'
#include <string>
#include <thread>
static std::string *make(std::size_t n)
{
	return new std::string(n, 'x'); // here
}
int main(int argc, char **)
{
	std::jthread other([=] { make(argc * 50)->clear(); });
}
END
bug leak "never freed"
program base <<'END'
#include <thread>
struct base {
	virtual ~base() { std::this_thread::yield(); } // here
	virtual int call() { return 1; }
};
struct derived : base {
	int call() override { return 2; }
};
int main()
{
	base *it = new derived;
	std::thread other([it] { it->call(); }); // here
	delete it; // here
	other.join();
}
END
bug data-race "T0"

# Output: the standard streams are for all threads, another one is not.
program streams <<'END'
#include <iostream>
#include <sstream>
#include <thread>
#ifndef FIXED
static std::ostringstream all;
#endif
static void say(int n)
{
#ifdef FIXED
	std::ostringstream all;
#endif
	all << "n " << n; // here
	std::cout << all.str();
}
int main()
{
	std::thread other(say, 1);
	say(2);
	other.join();
	std::cout << std::endl;
}
END
bug data-race "say"
proved -DFIXED

# What is not covered is named.
program files <<'END'
#include <filesystem>
#include <thread>
static int n;
int main()
{
	std::thread other([] { n = 1; });
	other.join();
	return std::filesystem::exists("/nowhere");
}
END
doubt "std::filesystem::status"
program library <<'END'
int main() {}
END
status=0
"$ONCEPROOF" explore library.cpp -- -stdlib=libc++ >out 2>err || status=$?
[ "$status" = 2 ] && grep -q "libstdc++" err || fail "-stdlib=libc++ is refused, with the reason"
