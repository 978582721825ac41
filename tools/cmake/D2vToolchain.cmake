# Compiler, linker and cache settings that hold for every target.
#
# Gives the interface target d2v_flags: C++20, warnings as errors, fmt, sanitizers.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin") # build/release/bin/d2v

# ccache: the sloppiness is what its manual asks for with precompiled headers. The base folder and
# "nohashdir" let two checkouts share results.
find_program(D2V_CCACHE ccache)
if(D2V_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(launcher
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${D2V_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${launcher})
endif()

find_program(D2V_MOLD mold)
if(D2V_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Ninja gives no terminal to the compiler, so ask for colours where the user's terminal shows them.
set(CMAKE_COLOR_DIAGNOSTICS ON)

add_library(d2v_flags INTERFACE)
target_compile_features(d2v_flags INTERFACE cxx_std_20)
# Warnings are for C++; nvcc's host pass does not know all of them.
target_compile_options(
  d2v_flags
  INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Werror>
            $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-restrict> # false alarms on std::string in g++ 12 (GCC bug 105651)
            $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-fpch-preprocess> # ccache needs it
            $<$<OR:$<CONFIG:Debug>,$<CONFIG:RelWithDebInfo>>:-fno-omit-frame-pointer>)
# GCC 12 warns of lambdas that hold types of an anonymous namespace where the file is not the main one, as with D2V_UNITY.
if(D2V_UNITY)
  target_compile_options(d2v_flags INTERFACE $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>)
endif()
# fmt as a compiled library: header-only use would cost each file 6 s more.
find_package(fmt REQUIRED)
target_link_libraries(d2v_flags INTERFACE fmt::fmt)

if(D2V_SANITIZE)
  target_compile_options(d2v_flags INTERFACE -fsanitize=${D2V_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(d2v_flags INTERFACE -fsanitize=${D2V_SANITIZE})
  # g++ says itself that this warning is unreliable with sanitizers.
  target_compile_options(d2v_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
if(D2V_FUZZ)
  target_compile_options(d2v_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
