#!/usr/bin/env bash
# FindLibTorch.cmake: which LibTorch a build folder takes when LIBTORCH_ROOT changes. The LibTorches are empty files.
set -euo pipefail

repo=${D2V_REPO_ROOT:?set D2V_REPO_ROOT to the root of the repository}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export D2V_CACHE=$work/cache
unset LIBTORCH_ROOT

for root in "$work/one" "$work/two" "$D2V_CACHE/libtorch-2.11.0"; do
  mkdir -p "$root/torch/lib" "$root/torch/include"
  touch "$root/torch/lib/libtorch_cpu.so"
done
mkdir "$work/source"
cat > "$work/source/CMakeLists.txt" << END
cmake_minimum_required(VERSION 3.25)
project(find LANGUAGES NONE)
list(APPEND CMAKE_MODULE_PATH "$repo/tools/cmake")
find_package(LibTorch REQUIRED)
get_target_property(library LibTorch::cpu IMPORTED_LOCATION)
message(STATUS "taken: \${library}")
END

# expect_taken ROOT [OPTION...]: configuring the one build folder again takes the LibTorch in ROOT.
expect_taken() {
  local root=$1
  shift
  cmake -S "$work/source" -B "$work/build" "$@" > "$work/out" 2>&1 || true
  grep -qxF -- "-- taken: $root/torch/lib/libtorch_cpu.so" "$work/out" && return
  printf 'FAILED: expected the LibTorch in %s\n--- output:\n%s\n' "$root" "$(cat "$work/out")" >&2
  exit 1
}

expect_taken "$D2V_CACHE/libtorch-2.11.0"
LIBTORCH_ROOT=$work/one expect_taken "$work/one"
LIBTORCH_ROOT=$work/two expect_taken "$work/two"
expect_taken "$D2V_CACHE/libtorch-2.11.0"
expect_taken "$work/one" -DLIBTORCH_ROOT="$work/one"
LIBTORCH_ROOT=$work/two expect_taken "$work/one"
LIBTORCH_ROOT=$work/two expect_taken "$work/two" -ULIBTORCH_ROOT

if LIBTORCH_ROOT=$work/none cmake -S "$work/source" -B "$work/build" > "$work/out" 2>&1; then
  echo "FAILED: a LIBTORCH_ROOT without LibTorch was taken" >&2
  exit 1
fi
grep -qF "$work/none, found" "$work/out" || { cat "$work/out" >&2; exit 1; }

echo "FindLibTorch.cmake: all cases passed"
