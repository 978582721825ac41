# What every target that sees LibTorch gets: the target d2v_torch and one shared precompiled header.

# LibTorch's include folder has its own fmt, newer than the system's and without a library to link. A folder
# in front of it with the system's fmt keeps one version in the whole program, with and without LibTorch.
get_target_property(fmt_include fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
find_path(D2V_FMT_INCLUDE fmt/format.h HINTS ${fmt_include} REQUIRED NO_CMAKE_FIND_ROOT_PATH)
set(first "${PROJECT_BINARY_DIR}/include_first")
file(MAKE_DIRECTORY "${first}")
file(CREATE_LINK "${D2V_FMT_INCLUDE}/fmt" "${first}/fmt" SYMBOLIC)

add_library(d2v_torch INTERFACE)
target_include_directories(d2v_torch SYSTEM BEFORE INTERFACE "${first}")
target_link_libraries(d2v_torch INTERFACE LibTorch::cpu)
# Compile with OpenMP; the runtime to link is LibTorch's own (see FindLibTorch), never a second one.
target_compile_options(d2v_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)

# Headers of LibTorch then include the operations that they use, not all of them.
target_compile_definitions(d2v_torch INTERFACE AT_PER_OPERATOR_HEADERS)

# The part of LibTorch that nearly every file of ours needs, compiled once and shared. No header of ours is in the
# list: its path would end up in the result, and ccache would hand it to other checkouts.
file(STRINGS "${PROJECT_SOURCE_DIR}/include/d2v/nn/aten.h" D2V_ATEN_HEADERS REGEX "^#include <")
list(TRANSFORM D2V_ATEN_HEADERS REPLACE "^#include " "")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/d2v/nn/aten.h")
option(D2V_PCH "Use a precompiled header for LibTorch" ON)
function(d2v_torch_pch_target name)
  add_library(${name} STATIC "${PROJECT_SOURCE_DIR}/tools/cmake/torch_pch.cpp")
  target_link_libraries(${name} PRIVATE d2v_torch d2v_flags ${ARGN})
  target_precompile_headers(
    ${name} PRIVATE ${D2V_ATEN_HEADERS} <cmath> <cstdint> <functional> <memory> <optional> <span> <string>
                    <string_view> <utility> <vector>)
endfunction()
if(D2V_PCH)
  d2v_torch_pch_target(d2v_torch_pch)
  # A precompiled header serves one optimisation level only.
  d2v_torch_pch_target(d2v_torch_pch_light d2v_light)
endif()

# d2v_use_torch_pch(TARGET [LIGHT]): LIGHT for targets compiled with d2v_light.
function(d2v_use_torch_pch target)
  if(D2V_PCH AND "LIGHT" IN_LIST ARGN)
    target_precompile_headers(${target} REUSE_FROM d2v_torch_pch_light)
  elseif(D2V_PCH)
    target_precompile_headers(${target} REUSE_FROM d2v_torch_pch)
  endif()
endfunction()
