# The core of a portable build: one shared library a level of x86-64, all of one name. glibc's loader takes the one from the
# highest glibc-hwcaps/ folder that the machine supports. Programs are linked to the lowest; there is none below it.
if(NOT CMAKE_SYSTEM_NAME STREQUAL Linux OR NOT CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64)
  message(FATAL_ERROR "NOPEEK_PORTABLE is about levels of x86-64, chosen by glibc's loader on Linux. "
                      "Build without it on ${CMAKE_SYSTEM_NAME} ${CMAKE_SYSTEM_PROCESSOR}.")
endif()

function(add_core_level target level)
  add_core(${target} SHARED ${level})
  bind_core(${target})
  target_compile_options(${target} PRIVATE -march=${level})
  target_link_options(${target} PRIVATE -Wl,--no-undefined)
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME nopeek_core LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/glibc-hwcaps/${level})
  install(TARGETS ${target} LIBRARY DESTINATION lib/nopeek/glibc-hwcaps/${level})
endfunction()

add_core_level(nopeek_core x86-64-v2)
foreach(level x86-64-v3 x86-64-v4)
  add_core_level(nopeek_core_${level} ${level})
  add_dependencies(nopeek_core nopeek_core_${level})  # what links one needs all
endforeach()
