# SPDX-License-Identifier: MIT
# The headers that users' files include, in libexec/onceproof/include, as they are installed: <onceproof.h>, what it has to take along, and for implementations the families'
# headers, so that a copy of a lesson compiles as it stands (program_includes.c).
set(user_headers ${PROJECT_BINARY_DIR}/libexec/onceproof/include)
configure_file(${PROJECT_SOURCE_DIR}/include/onceproof.h ${user_headers}/onceproof.h COPYONLY)
# <onceproof/once.h>, <onceproof/tally.h>: to take along.
file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/onceproof/*.h)
foreach(header ${headers})
	get_filename_component(name ${header} NAME)
	configure_file(${header} ${user_headers}/onceproof/${name} COPYONLY)
endforeach()
foreach(header contract.h measure.h)
	configure_file(${PROJECT_SOURCE_DIR}/impl/${header} ${user_headers}/onceproof/${header} COPYONLY)
endforeach()
foreach(family initialiser counter progress)
	file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/impl/${family}/*.h)
	list(FILTER headers EXCLUDE REGEX "/test_[^/]*$")
	foreach(header ${headers})
		get_filename_component(name ${header} NAME)
		configure_file(${header} ${user_headers}/onceproof/${family}/${name} COPYONLY)
		# <onceproof/counter.h>, for files that live anywhere.
		onceproof_generate(${user_headers}/onceproof/${name} "/* SPDX-License-Identifier: MIT */\n#include \"${family}/${name}\"\n")
	endforeach()
endforeach()
