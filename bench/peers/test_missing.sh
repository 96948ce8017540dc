#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Peers that are not there: switched off, or not installed, each is listed with the reason, and everything builds. Builds this folder in a
# project of its own, with a registry that is empty.
#
#   test_missing.sh C_COMPILER CXX_COMPILER
. "${ONCEPROOF_SOURCE:?}/cmake/check.sh"
source=$ONCEPROOF_SOURCE

mkdir "$scratch/project"
cat >"$scratch/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(peers LANGUAGES C CXX)
set(CMAKE_C_STANDARD 11)
set(CMAKE_CXX_STANDARD 17)
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
function(onceproof_generate file content)
	file(CONFIGURE OUTPUT \${file} CONTENT "\${content}" @ONLY)
endfunction()
add_library(onceproof_impl STATIC $source/impl/contract.c registry.c)
target_include_directories(onceproof_impl PRIVATE $source/impl)
add_library(onceproof_linked_model INTERFACE)
function(onceproof_script_test)
endfunction()
if(WITHOUT_MODULES)
	set(ENV{PKG_CONFIG_LIBDIR} \${PROJECT_BINARY_DIR})
	set(ENV{PKG_CONFIG_PATH} \${PROJECT_BINARY_DIR})
endif()
add_subdirectory($source/bench/peers peers)
add_executable(rows rows.cc $source/bench/subjects.cc)
target_include_directories(rows PRIVATE $source/bench)
target_link_libraries(rows PRIVATE onceproof_peers PkgConfig::JANSSON)
END
# What becomes of a row whose peer is missing.
cat >"$scratch/project/rows.cc" <<'END'
#include <cstdio>

#include "bench.h"

const bench::machine &bench::this_machine()
{
	static const bench::machine two = [] {
		bench::machine made = {};
		made.cores = 2;
		return made;
	}();
	return two;
}

int main()
{
	std::vector<bench::row> rows(3);
	rows[0].name = "counter/peer_ck_mcs/increment/threads:1";
	rows[1].name = "counter/peer_pthread_spin/increment/threads:1";
	rows[1].note = "a note";
	rows[2].name = "counter/peer_pthread_spin/read_dirty_1/threads:1";
	bench::finish_rows_of_subjects(rows);
	for (const bench::row &row : rows)
		printf("%s tier %d skipped '%s' note '%s'%s\n", row.name.c_str(), row.tier, row.skipped.c_str(), row.note.c_str(),
			bench::is_missing_peer(row) ? " missing" : "");
	printf("%s", bench::peers_told(rows).c_str());
	return 0;
}
END
cat >"$scratch/project/registry.c" <<'END'
#include "contract.h"
const struct registered *onceproof_registry;
size_t onceproof_registry_count;
END

# built FLAGS...: builds the list of peers and prints it to $scratch/out
built() {
	rm -rf "$scratch/build"
	cmake -S "$scratch/project" -B "$scratch/build" -G Ninja -DCMAKE_C_COMPILER="$1" -DCMAKE_CXX_COMPILER="$2" -DCMAKE_BUILD_TYPE=Debug \
		"${@:3}" >"$scratch/log" 2>&1 && ninja -C "$scratch/build" print_peer_calls rows >>"$scratch/log" 2>&1 || {
		cat "$scratch/log"
		expect "it should build with ${*:3}" false
	}
	run "$scratch/build/tests/print_peer_calls" --missing
}

all=$(find "$source/bench/peers" -name 'counter_*.c*' -o -name 'initialiser_*.c*' | wc -l)
built "$1" "$2" -DONCEPROOF_PEERS=OFF
expect_status 0
expect "all $all peers should be listed" [ "$(wc -l <"$scratch/out")" = "$all" ]
expect "each with the reason" [ "$(grep -c ': built without peers (ONCEPROOF_PEERS is OFF)$' "$scratch/out")" = "$all" ]
expect_out "counter/peer_ck_mcs: "
expect_out "initialiser/peer_std_call_once: "
run "$scratch/build/rows"
expect_out "counter/peer_ck_mcs/increment/threads:1 tier 0 skipped 'built without peers (ONCEPROOF_PEERS is OFF)' note '' missing"
expect_out "Not measured: counter/peer_ck_mcs, counter/peer_pthread_spin: built without peers"

built "$1" "$2" -DWITHOUT_MODULES=ON
expect_status 0
expect_out "counter/peer_ck_mcs: libck-dev is not installed"
expect_out "initialiser/peer_absl_call_once: libabsl-dev is not installed"
reject_out "initialiser/peer_std_call_once"
reject_out "counter/peer_pthread_spin"
run "$scratch/build/rows"
expect_out "counter/peer_ck_mcs/increment/threads:1 tier 0 skipped 'libck-dev is not installed' note '' missing"
expect "a peer that is there should name its library" grep -q "pthread_spin/increment/threads:1 tier 0 skipped '' note 'glibc [0-9.]*; a note'$" "$scratch/out"
expect "what only a full plan measures should say so" grep -q "read_dirty_1/threads:1 tier 2 " "$scratch/out"
expect_out "Not measured: counter/peer_ck_mcs: apt-get install --no-install-recommends libck-dev."
expect "the table should name libraries" grep -q '^Other people.s: glibc [0-9.]* (peer_pthread_spin)\.$' "$scratch/out"

# The launcher installs what the peers name.
for package in $(sed -n 's/^\(\/\/ \|\/\* \)Peer .*package=\([^ ]*\).*/\2/p' "$source"/bench/peers/*.c "$source"/bench/peers/*.cc | sort -u); do
	expect "the launcher should know $package" grep -qF "\"$package " "$source/onceproof"
done
finish
