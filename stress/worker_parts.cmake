# SPDX-License-Identifier: MIT
# The workers without a registry, as objects: a user's implementation is linked to them (program_build.c, struct program_host). All their
# names are local but those that it uses.
function(onceproof_worker_parts name worker flavour)
	set(folder ${CMAKE_CURRENT_BINARY_DIR}/parts${flavour})
	file(MAKE_DIRECTORY ${folder})
	set(archives $<TARGET_FILE:onceproof_scenarios${flavour}>)
	if(flavour STREQUAL "_explored")
		list(APPEND archives $<TARGET_FILE:onceproof_explore>)
	endif()
	# Look-ups in the registry, without the registry that lies in the same archive and would bring all lessons.
	add_custom_command(OUTPUT ${helpers}/${name}
		COMMAND ${CMAKE_COMMAND} -E chdir ${folder} ${CMAKE_AR} x $<TARGET_FILE:onceproof_impl${flavour}> contract.c.o
		COMMAND ${CMAKE_LINKER} -r -o ${helpers}/${name} $<TARGET_OBJECTS:${worker}> ${folder}/contract.c.o --whole-archive ${archives}
			--no-whole-archive ${JANSSON_ARCHIVE}
		COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=explored_* --keep-global-symbol=__tsan_* --keep-global-symbol=__sanitizer_*
			--keep-global-symbol=main --keep-global-symbol=onceproof_step --keep-global-symbol=initialiser_linked_loader ${helpers}/${name}
		DEPENDS ${worker} $<TARGET_OBJECTS:${worker}> onceproof_scenarios${flavour} onceproof_impl${flavour} ${archives}
		COMMAND_EXPAND_LISTS VERBATIM)
	add_custom_target(${worker}-parts ALL DEPENDS ${helpers}/${name})
	add_dependencies(onceproof_stress ${worker}-parts)
endfunction()
onceproof_worker_parts(worker.o onceproof-worker "")
if(TARGET onceproof-worker_tsan)
	onceproof_worker_parts(worker_tsan.o onceproof-worker_tsan _tsan)
endif()
onceproof_worker_parts(explore_worker.o onceproof-explore _explored)
