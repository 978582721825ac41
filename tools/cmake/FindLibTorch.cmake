# Finds an unpacked LibTorch without its own CMake package, which needs nvcc even for a CPU build and
# changes global flags.
#
# Where it looks: -DLIBTORCH_ROOT=..., which a build folder remembers; else $LIBTORCH_ROOT as it is at each
# configuring, so that a change of it is taken up; else the cache that tools/setup.sh fills.
# Layout: ROOT/torch/{include,lib} and ROOT/nvidia/*/lib (a site-packages folder), or ROOT/{include,lib}.
#
# Gives
#   LibTorch::cpu   libtorch_cpu and libc10 only, with the OpenMP runtime that they use
#   LibTorch::cuda  libc10_cuda and libtorch_cuda on top (only when those are there)

set(_torch_cache "$ENV{D2V_CACHE}")
if(NOT _torch_cache)
  set(_torch_cache "$ENV{HOME}/.cache/d2v")
endif()
if(NOT LIBTORCH_ROOT)
  if(DEFINED ENV{LIBTORCH_ROOT} AND NOT "$ENV{LIBTORCH_ROOT}" STREQUAL "")
    set(LIBTORCH_ROOT "$ENV{LIBTORCH_ROOT}")
  else()
    set(LIBTORCH_ROOT "${_torch_cache}/libtorch-2.11.0")
  endif()
endif()

unset(_torch_dir)
foreach(_dir "${LIBTORCH_ROOT}/torch" "${LIBTORCH_ROOT}")
  if(EXISTS "${_dir}/lib/libtorch_cpu.so")
    set(_torch_dir "${_dir}")
    break()
  endif()
endforeach()

if(NOT _torch_dir)
  message(FATAL_ERROR
      "LibTorch: expected torch/lib/libtorch_cpu.so under ${LIBTORCH_ROOT}, found none.\n"
      "Run tools/setup.sh, or set LIBTORCH_ROOT to a folder that has it. A build folder that was configured with "
      "-DLIBTORCH_ROOT=... keeps that; -ULIBTORCH_ROOT makes it forget.")
endif()

if(EXISTS "${_torch_dir}/include/torch/headeronly/version.h")
  file(STRINGS "${_torch_dir}/include/torch/headeronly/version.h" _torch_version_lines
       REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
elseif(EXISTS "${_torch_dir}/include/torch/version.h")
  file(STRINGS "${_torch_dir}/include/torch/version.h" _torch_version_lines
       REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
endif()
string(REGEX MATCHALL "[0-9]+" _torch_version_numbers "${_torch_version_lines}")
list(JOIN _torch_version_numbers "." LibTorch_VERSION)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS _torch_dir VERSION_VAR LibTorch_VERSION)

# Folders in which libraries that LibTorch itself needs may lie: at link time for ld's own look-up
# (rpath-link). At run time LibTorch's own RPATH finds them.
file(GLOB _torch_needs LIST_DIRECTORIES true "${_torch_dir}/../nvidia/*/lib")
list(PREPEND _torch_needs "${_torch_dir}/lib")

# The OpenMP runtime that libtorch_cpu.so loads. Linking this very file keeps one runtime in the process.
file(GLOB _torch_gomp "${_torch_dir}/lib/libgomp*.so*" "${_torch_dir}/../torch.libs/libgomp*.so*")
if(_torch_gomp)
  list(GET _torch_gomp 0 _torch_gomp)
else()
  set(_torch_gomp gomp)
endif()

if(NOT TARGET LibTorch::cpu)
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${_torch_dir}/lib/libc10.so")

  add_library(LibTorch::cpu SHARED IMPORTED)
  set_target_properties(
    LibTorch::cpu
    PROPERTIES IMPORTED_LOCATION "${_torch_dir}/lib/libtorch_cpu.so"
               INTERFACE_INCLUDE_DIRECTORIES
               "${_torch_dir}/include;${_torch_dir}/include/torch/csrc/api/include"
               INTERFACE_LINK_LIBRARIES "LibTorch::c10;${_torch_gomp};Threads::Threads")
  foreach(_dir IN LISTS _torch_needs)
    set_property(TARGET LibTorch::cpu APPEND PROPERTY INTERFACE_LINK_OPTIONS "LINKER:-rpath-link,${_dir}")
  endforeach()
endif()

if(EXISTS "${_torch_dir}/lib/libtorch_cuda.so" AND NOT TARGET LibTorch::cuda)
  # Kernels register themselves when libtorch_cuda is loaded; no symbol of it is named, so --as-needed
  # would drop it. The libraries behind it (cuBLAS, cuDNN, ...) are resolved when the program starts.
  add_library(LibTorch::cuda INTERFACE IMPORTED)
  set_target_properties(
    LibTorch::cuda
    PROPERTIES INTERFACE_LINK_LIBRARIES "LibTorch::cpu"
               INTERFACE_LINK_OPTIONS
               "LINKER:--no-as-needed;${_torch_dir}/lib/libc10_cuda.so;${_torch_dir}/lib/libtorch_cuda.so;LINKER:--as-needed;LINKER:--allow-shlib-undefined"
               INTERFACE_COMPILE_DEFINITIONS "C10_CUDA_NO_CMAKE_CONFIGURE_FILE")
endif()
