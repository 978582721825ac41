# Turns on CUDA with the toolkit's nvcc, or with the one that tools/setup.sh --cuda fetched.

if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  set(_cache "$ENV{D2V_CACHE}")
  if(NOT _cache)
    set(_cache "$ENV{HOME}/.cache/d2v")
  endif()
  find_program(D2V_NVCC nvcc PATHS /usr/local/cuda/bin "${_cache}/nvcc-13.0.88/nvidia/cu13/bin")
  if(NOT D2V_NVCC)
    message(FATAL_ERROR "CUDA: expected nvcc on PATH, in /usr/local/cuda/bin or in ${_cache}, found none.\n"
                        "Run tools/setup.sh --cuda, or configure with another preset.")
  endif()
  set(CMAKE_CUDA_COMPILER "${D2V_NVCC}" CACHE FILEPATH "nvcc")
endif()

# LibTorch loads the shared runtime; a static one beside it would keep a state of its own.
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
enable_language(CUDA)

# CMake 3.25 does not know that nvcc speaks C++20.
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)

# CMake 3.25's FindCUDAToolkit stops at a toolkit that has the compiler only; we need no more of it than the
# runtime. Of LibTorch's CUDA headers, those in c10/cuda are fine; ATen/cuda wants cuBLAS's headers too.
find_library(D2V_CUDART cudart HINTS ${CMAKE_CUDA_IMPLICIT_LINK_DIRECTORIES} ${CMAKE_CUDA_HOST_LINK_DIRECTORIES}
             REQUIRED)
add_library(d2v_cudart INTERFACE)
target_include_directories(d2v_cudart SYSTEM INTERFACE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
target_link_libraries(d2v_cudart INTERFACE "${D2V_CUDART}")
