# embed_shaders(<target> <file>...): compiles the text of each shader into <target>, as <shaders.h>:
#   namespace nopeek::shaders { extern const char* const heatmap_frag; ... }
# The identifier is the file's name with '.' written as '_'. A change of a shader rebuilds it.
set(NOPEEK_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/EmbedShadersScript.cmake)

function(embed_shaders target)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/shaders)
  add_custom_command(
    OUTPUT ${out}/shaders.h ${out}/shaders.cpp
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} "-DFILES=${ARGN}" -P ${NOPEEK_EMBED_SCRIPT}
    DEPENDS ${ARGN} ${NOPEEK_EMBED_SCRIPT}
    COMMENT "Embedding shaders"
    VERBATIM)
  target_sources(${target} PRIVATE ${out}/shaders.h ${out}/shaders.cpp)
  target_include_directories(${target} PUBLIC ${out})
endfunction()
