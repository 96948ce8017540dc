# SPDX-License-Identifier: MIT
# Run by CPack on the staged files, before they become a .deb: what Debian's policy asks for and a plain installation does not need.
set(root ${CPACK_TEMPORARY_DIRECTORY}/usr)
set(doc ${root}/share/doc/onceproof)

function(run)
	execute_process(COMMAND ${ARGV} RESULT_VARIABLE status ERROR_VARIABLE said)
	if(status)
		list(JOIN ARGV " " command)
		message(FATAL_ERROR "${command}: ${said}")
	endif()
endfunction()

# Source lines in findings come from the debug information of the workers and of explore_program.o; these two have none to tell. The
# sizes of implementations come from the symbols of onceproof-bench.
run(strip --remove-section=.comment --remove-section=.note ${root}/bin/onceproof)
run(strip --strip-debug --remove-section=.comment --remove-section=.note ${root}/libexec/onceproof/onceproof-bench)

if(EXISTS ${root}/share/zsh/site-functions)
	file(RENAME ${root}/share/zsh/site-functions ${root}/share/zsh/vendor-completions)
endif()

string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(READ ${doc}/LICENSE license)
string(REGEX MATCH "Copyright \\(c\\) ([^\n]*)" holder "${license}")
set(holder "${CMAKE_MATCH_1}")
string(REGEX REPLACE "^.*(Permission is hereby.*[^\n])\n*$" "\\1" license "${license}")
string(REPLACE "\n\n" "\n.\n" license "${license}")
string(REPLACE "\n" "\n " license "${license}")
file(WRITE ${doc}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: onceproof

Files: *
Copyright: ${holder}
License: Expat

License: Expat
 ${license}
")
file(REMOVE ${doc}/LICENSE)
file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
file(WRITE ${doc}/changelog.Debian "onceproof (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * Made by CPack from the source tree; changelog.gz has the changes.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
file(GLOB pages ${root}/share/man/man1/*.1)
foreach(file ${pages} ${doc}/changelog ${doc}/changelog.Debian)
	run(gzip -9n ${file})
endforeach()

file(WRITE ${root}/share/lintian/overrides/onceproof
"# The engines read the source lines of implementations and scenarios from these programs' debug information.
onceproof: unstripped-binary-or-object *
onceproof: unstripped-static-library *
# There is no bug in Debian's tracker to close: the package is not part of Debian.
onceproof: initial-upload-closes-no-bugs *
")
