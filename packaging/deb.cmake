# SPDX-License-Identifier: MIT
# `cpack -G DEB` in the build folder makes a Debian package of what `cmake --install` installs.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME onceproof)
set(CPACK_PACKAGE_VENDOR onceproof)
set(CPACK_PACKAGE_CONTACT "The onceproof authors <onceproof@users.noreply.github.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "find and prove the absence of races in C programs")
set(CPACK_PACKAGE_DESCRIPTION
"onceproof check builds a C program, explores its thread schedules under
C11's memory model, runs it under ThreadSanitizer and as it is, and gives one
verdict with its evidence: for a finding, the interleaving that shows it.
Results come as text, SARIF, JUnit and JSON.
.
The package also has a laboratory of broken and correct initialisers,
counters and progress reports, with benchmarks that price each of them.")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES OFF) # packaging/deb_files.cmake strips what is not looked into for source lines
set(CPACK_PRE_BUILD_SCRIPTS ${packaging}/deb_files.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Programs that are checked are compiled and linked on the user's machine, with the compiler of the user's choice.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "binutils, gcc | clang, libc6-dev")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "g++ | clang")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "clang, libclang-rt-dev, valgrind, gdb, cmake, pkg-config")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
include(CPack)
