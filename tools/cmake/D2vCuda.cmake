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

# d2v_use_cuda(LIBRARY): D2V_WITH_CUDA and the CUDA headers while LIBRARY itself is compiled; whatever links it
# gets LibTorch's CUDA side. Headers in include/ do not see the definition: all other files compile exactly
# as in the CPU build (and ccache knows them).
function(d2v_use_cuda library)
  if(NOT TARGET LibTorch::cuda)
    message(FATAL_ERROR "CUDA: expected torch/lib/libtorch_cuda.so under ${LIBTORCH_ROOT}, found none.\n"
                        "Run tools/setup.sh --cuda, or set LIBTORCH_ROOT to a folder that has it.")
  endif()
  get_target_property(type ${library} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY")
    target_link_libraries(${library} INTERFACE LibTorch::cuda d2v_cudart)
  else()
    target_compile_definitions(${library} PRIVATE D2V_WITH_CUDA)
    target_link_libraries(${library} PRIVATE LibTorch::cuda d2v_cudart)
  endif()
endfunction()

# d2v_cuda_kernels(LIBRARY): compiles cuda/*.cu of the calling folder with nvcc and links them into LIBRARY.
# Kernels include no LibTorch header: nvcc would need minutes for each.
function(d2v_cuda_kernels library)
  file(GLOB_RECURSE kernels CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/cuda/*.cu")
  if(NOT kernels)
    message(STATUS "${library}: no CUDA kernels yet")
    return()
  endif()
  add_library(${library}_cuda STATIC ${kernels})
  target_include_directories(${library}_cuda PRIVATE "${PROJECT_SOURCE_DIR}/include"
                                                     "${CMAKE_CURRENT_SOURCE_DIR}")
  target_compile_options(${library}_cuda PRIVATE --expt-relaxed-constexpr -Xcompiler=-Wall,-Wextra)
  target_link_libraries(${library}_cuda PRIVATE d2v_flags d2v_cudart)
  get_target_property(type ${library} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY")
    target_link_libraries(${library} INTERFACE ${library}_cuda)
  else()
    target_link_libraries(${library} PRIVATE ${library}_cuda)
  endif()
endfunction()
