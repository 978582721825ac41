# Eight sources of a target are compiled as one, where D2V_UNITY asks for it: most of the time goes into the same headers.
# Names in anonymous namespaces must differ within a folder.
if(D2V_UNITY)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)
endif()

# d2v_compile_alone(FILE...)
#   Sources that another file cannot be compiled with: Highway's, which include themselves once per instruction set,
#   and those that define macros for a library's headers.
function(d2v_compile_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# Tests, reports and command lines spend their time in the libraries: with light optimisation their units compile in
# three quarters of the time, and nothing that anybody waits for is slower.
add_library(d2v_light INTERFACE)
target_compile_options(d2v_light INTERFACE $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release>>:-O1>)

# d2v_flags_of(TARGET [TORCH] [LIGHT]): warnings, optimisation and precompiled header.
function(d2v_flags_of target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH;LIGHT" "" "")
  target_link_libraries(${target} PRIVATE d2v_flags)
  set(light "")
  if(arg_LIGHT)
    target_link_libraries(${target} PRIVATE d2v_light)
    set(light LIGHT)
  endif()
  if(arg_TORCH)
    d2v_use_torch_pch(${target} ${light})
  endif()
endfunction()

# d2v_library(NAME [TORCH] [LIGHT] [DEPS target...])
#   A static library of all .cpp files in the folder of the calling CMakeLists.txt. Public headers are in
#   include/d2v/. New files are picked up by the next build. A folder without sources gives an
#   interface library, so that what builds on it still links.
#   TORCH: the library sees LibTorch and shares the precompiled header.
#   LIGHT: compiled with light optimisation.
function(d2v_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH;LIGHT" "" "DEPS")
  set(how ${ARGN})
  list(FILTER how INCLUDE REGEX "^(TORCH|LIGHT)$")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  if(arg_TORCH)
    list(PREPEND arg_DEPS d2v_torch)
  endif()
  if(NOT sources)
    message(STATUS "${name}: no sources yet, headers only")
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE "${PROJECT_SOURCE_DIR}/include")
    target_link_libraries(${name} INTERFACE ${arg_DEPS} d2v_flags)
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}/include"
                                     PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${name} PUBLIC ${arg_DEPS})
  d2v_flags_of(${name} ${how})
endfunction()

# d2v_executable(NAME [TORCH] [LIGHT] [SOURCES file...] [DEPS target...])
#   As above for a program. Without SOURCES: all .cpp files of the folder; a folder without any is skipped.
function(d2v_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH;LIGHT" "" "SOURCES;DEPS")
  set(how ${ARGN})
  list(FILTER how INCLUDE REGEX "^(TORCH|LIGHT)$")
  if(NOT arg_SOURCES)
    file(GLOB_RECURSE arg_SOURCES CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  endif()
  if(NOT arg_SOURCES)
    message(STATUS "${name}: skipped (no sources yet)")
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPS})
  if(arg_TORCH)
    target_link_libraries(${name} PRIVATE d2v_torch)
  endif()
  d2v_flags_of(${name} ${how})
endfunction()
