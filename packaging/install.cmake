# SPDX-License-Identifier: MIT
# What `cmake --install` puts where. The program finds its helpers by their place relative to its own (helper_folder() in cli/options.c),
# and the package files find theirs likewise: the installed tree can be moved as a whole.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(packaging ${CMAKE_CURRENT_LIST_DIR})
set(made ${PROJECT_BINARY_DIR}/packaging)

install(TARGETS onceproof RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_BINARY_DIR}/libexec/onceproof/ DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/onceproof USE_SOURCE_PERMISSIONS)

install(FILES README.md LICENSE CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
# What the README leads to.
install(FILES docs/once.md docs/tally.md docs/compare.md docs/check-suite.md docs/report.png DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL USE_SOURCE_PERMISSIONS
	PATTERN "test_*" EXCLUDE PATTERN "CMakeLists.txt.in" EXCLUDE PATTERN build EXCLUDE)
install(FILES completion/onceproof.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME onceproof)
install(FILES completion/_onceproof DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES completion/onceproof.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
# The headers that the program has beside it, for others' builds.
install(DIRECTORY ${PROJECT_BINARY_DIR}/libexec/onceproof/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} OPTIONAL)

# Manual pages, made from --help.
find_program(ONCEPROOF_HELP2MAN help2man DOC "Makes the manual pages")
if(ONCEPROOF_HELP2MAN)
	add_custom_command(OUTPUT ${made}/man/onceproof.1
		COMMAND ${packaging}/manuals.sh $<TARGET_FILE:onceproof> ${made}/man
		DEPENDS onceproof ${packaging}/manuals.sh COMMENT "Making the manual pages" VERBATIM)
	add_custom_target(manuals ALL DEPENDS ${made}/man/onceproof.1)
	install(DIRECTORY ${made}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL FILES_MATCHING PATTERN "*.1")
else()
	message(STATUS "help2man was not found (Debian: help2man): there will be no manual pages")
endif()

# CMake package. A version 0.x promises nothing to 0.y.
set(compatible SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
	set(compatible SameMinorVersion)
endif()
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/onceproof)
configure_package_config_file(${packaging}/onceproofConfig.cmake.in ${made}/onceproofConfig.cmake INSTALL_DESTINATION ${package}
	PATH_VARS CMAKE_INSTALL_BINDIR CMAKE_INSTALL_INCLUDEDIR NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${made}/onceproofConfigVersion.cmake COMPATIBILITY ${compatible} ARCH_INDEPENDENT)
install(FILES ${made}/onceproofConfig.cmake ${made}/onceproofConfigVersion.cmake ${packaging}/onceproof_add_check.cmake DESTINATION ${package})

# pkg-config. Its file knows its own folder, and the prefix from there.
file(RELATIVE_PATH ONCEPROOF_PC_PREFIX ${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" ONCEPROOF_PC_PREFIX "${ONCEPROOF_PC_PREFIX}")
foreach(folder BINDIR INCLUDEDIR LIBEXECDIR DOCDIR)
	file(RELATIVE_PATH ONCEPROOF_PC_${folder} ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_${folder}})
endforeach()
configure_file(${packaging}/onceproof.pc.in ${made}/onceproof.pc @ONLY)
install(FILES ${made}/onceproof.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)

include(${packaging}/deb.cmake)

onceproof_script_test(installed ${packaging}/test_install.sh LABELS package)
onceproof_script_test(deb ${packaging}/test_deb.sh LABELS package)
onceproof_script_test(deb_root ${packaging}/test_deb_root.sh LABELS package full TIMEOUT 1200)
# They write the install manifest of the build folder.
set_tests_properties(installed deb deb_root PROPERTIES RESOURCE_LOCK install)
onceproof_script_test(manuals ${packaging}/test_manuals.sh LABELS package)
onceproof_script_test(action ${packaging}/test_action.sh LABELS package)
onceproof_script_test(pre_commit ${PROJECT_SOURCE_DIR}/examples/pre-commit/test_pre_commit.sh LABELS package)
