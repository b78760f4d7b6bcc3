# Target `glad`: the OpenGL 3.3 core loader, generated while building by Debian's python3-glad.
# The system's Python is tried first: another python3 on PATH (pyenv, conda) has no glad.
find_program(NOPEEK_GLAD_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(NOPEEK_GLAD_PYTHON NAMES python3 REQUIRED)
execute_process(COMMAND ${NOPEEK_GLAD_PYTHON} -c "import glad" RESULT_VARIABLE glad_missing OUTPUT_QUIET ERROR_QUIET)
if(glad_missing)
  message(FATAL_ERROR "${NOPEEK_GLAD_PYTHON} has no module 'glad'. Run scripts/install-deps.sh (package python3-glad), "
                      "or set -DNOPEEK_GLAD_PYTHON to a Python that has it.")
endif()

set(glad_dir ${CMAKE_CURRENT_BINARY_DIR}/glad)
add_custom_command(
  OUTPUT ${glad_dir}/src/gl.c ${glad_dir}/include/glad/gl.h ${glad_dir}/include/KHR/khrplatform.h
  # --reproducible: without it glad asks the network for the newest specification
  COMMAND ${NOPEEK_GLAD_PYTHON} -m glad --api gl:core=3.3 --extensions= --reproducible --quiet --out-path ${glad_dir} c
  COMMENT "Generating the OpenGL loader"
  VERBATIM)
add_library(glad STATIC ${glad_dir}/src/gl.c ${glad_dir}/include/glad/gl.h)
target_include_directories(glad SYSTEM PUBLIC ${glad_dir}/include)
