# Shared by the scripts of this folder; source it, do not run it.
# shellcheck shell=bash

# A command that fails inside $(...) ends it there, as outside.
shopt -s inherit_errexit

REPO_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034  # used by those who source this file
CALLER_DIR=$PWD # paths that a user gives are relative to it; the scripts themselves run in REPO_ROOT

say() { printf '%s\n' "$*"; }

# die "expected ...; found ...; do ..."
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# have COMMAND: is it on PATH?
have() { command -v "$1" > /dev/null 2>&1; }

# given_path PATH: prints a path that the user gave, made absolute.
given_path() {
  case $1 in
    /*) say "$1" ;;
    *) say "$CALLER_DIR/$1" ;;
  esac
}

# shellcheck disable=SC2034  # used by those who source this file
D2V_CACHE_DIR=$(given_path "${D2V_CACHE:-${HOME:?HOME is not set; set it, or D2V_CACHE}/.cache/d2v}")
# For CMake and the scripts that are called from here.
[[ -z ${D2V_CACHE:-} ]] || export D2V_CACHE=$D2V_CACHE_DIR
[[ -z ${LIBTORCH_ROOT:-} ]] || LIBTORCH_ROOT=$(given_path "$LIBTORCH_ROOT")

# find_nvcc: prints the path of nvcc, the toolkit's or the one that setup.sh fetched; fails where there is none.
find_nvcc() {
  local candidate
  for candidate in "${CUDACXX:-}" "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc \
    "$D2V_CACHE_DIR/nvcc-13.0.88/nvidia/cu13/bin/nvcc"; do
    if [[ -n $candidate && -x $candidate ]]; then
      say "$candidate"
      return 0
    fi
  done
  return 1
}

# jobs_for_build: how many compilers to run at once; one LibTorch file needs about 1.3 GB.
jobs_for_build() {
  local cores memory_kb by_memory
  cores=$(nproc)
  memory_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  by_memory=$((memory_kb / 1500000))
  ((by_memory >= 1)) || by_memory=1
  say $((cores < by_memory ? cores : by_memory))
}

cd "$REPO_ROOT" || exit
